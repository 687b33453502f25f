import { type HangingFacts, type PriorRow, type SeriesRow, type StudyManifest, type StudyRow } from '@/api/types'
import { type MatchSeries, type MatchStudy } from './match'

/** Below this another study of the person is not hung by itself: another region, another kind of picture. */
const LEAST_RELEVANCE = 40

function matchSeries(row: SeriesRow): MatchSeries {
  const { facts, id, number, description, instance_count, frame_count } = row
  return { ...facts, id, number, description, instance_count, frame_count }
}

const matchStudy = (row: StudyRow, relation: string, facts: Partial<HangingFacts>, series: readonly SeriesRow[]): MatchStudy => ({
  id: row.id,
  patient: row.patient.id,
  relation,
  facts: { ...facts, description: row.description, institution: row.institution },
  series: series.map(matchSeries),
})

export interface Matchable {
  current: MatchStudy
  /** Relevant earlier studies of the same person, the most relevant first, with their series where the manifest has them. */
  priors: MatchStudy[]
}

/** Earlier, of the same person, and near enough in kind and region; the most relevant first (guard 7). */
export function relevantPriors(manifest: StudyManifest): PriorRow[] {
  return manifest.priors
    .filter((row) => row.relation === 'prior' && row.patient.id === manifest.study.patient.id && row.relevance.score >= LEAST_RELEVANCE)
    .sort((a, b) => b.relevance.score - a.relevance.score || (a.study_date < b.study_date ? 1 : a.study_date > b.study_date ? -1 : a.id < b.id ? -1 : 1))
}

/** All that a protocol may ask, from the manifest alone. */
export function matchable(manifest: StudyManifest): Matchable {
  return {
    current: matchStudy(manifest.study, 'current', manifest.hanging, manifest.series),
    priors: relevantPriors(manifest)
      .filter((row) => row.series !== undefined)
      .map((row) => matchStudy(row, row.relation, {}, row.series ?? [])),
  }
}
