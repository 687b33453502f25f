import { type SeriesDocument, type SeriesRow, type StudyManifest, type StudyRow } from '@/api/types'
import { shownInstances, stacksOf, type Stack } from '@/dicom/series'
import { isLater, timeDistance, type TimeDistance } from '@/dicom/timedistance'
import { firstRow } from './firstseries'

export type SeriesStatus = 'waiting' | 'loading' | 'ready' | 'failed'

/** A series as the workspace knows it. */
export interface SeriesEntry {
  row: SeriesRow
  status: SeriesStatus
  stacks: Stack[]
  /** Objects that the series says it has and the stacks do not account for: always 0, or something is hidden. */
  missing: number
  /** Objects that are known to be damaged: the server gives them to nobody. */
  damaged: number
}

export type Relation = 'current' | 'prior' | 'later' | 'undated'

/** A study that is open in the workspace: the one that was opened, and others of the patient beside it. */
export interface OpenStudy {
  row: StudyRow
  relation: Relation
  distance: TimeDistance | undefined
  /** True when the archive says that it belongs to another person: never silently side by side. */
  isOtherPatient: boolean
  revision: string
  series: SeriesEntry[]
}

export function entryOf(row: SeriesRow): SeriesEntry {
  return { row, status: 'waiting', stacks: [], missing: 0, damaged: 0 }
}

export function withDocument(entry: SeriesEntry, document: SeriesDocument): SeriesEntry {
  const stacks = stacksOf(document)
  const damaged = document.instances.filter((instance) => instance.problem === 'object_damaged').length
  return { ...entry, status: 'ready', stacks, damaged, missing: Math.max(document.instance_count, entry.row.instance_count) - shownInstances(stacks) }
}

export function relationTo(current: StudyRow, other: StudyRow): Relation {
  if (current.id === other.id) return 'current'
  const later = isLater(current, other)
  return later === null ? 'undated' : later ? 'later' : 'prior'
}

export function openStudy(manifest: StudyManifest, current: StudyRow | undefined): OpenStudy {
  const reference = current ?? manifest.study
  return {
    row: manifest.study,
    relation: relationTo(reference, manifest.study),
    distance: timeDistance(reference.study_date, manifest.study.study_date),
    isOtherPatient: reference.patient.id !== manifest.study.patient.id,
    revision: manifest.revision,
    series: manifest.series.map(entryOf),
  }
}

/** The series to begin with. */
export function firstSeries(series: readonly SeriesEntry[]): SeriesEntry | undefined {
  const row = firstRow(series.map((entry) => entry.row))
  return series.find((entry) => entry.row === row)
}

export interface Arrivals {
  images: number
  series: number
  /** True when something that is on screen has been replaced or taken away. */
  replaced: boolean
}

/** What a fresh manifest has that the one on screen has not. */
export function arrivals(shown: OpenStudy, fresh: StudyManifest): Arrivals {
  const counts = new Map(shown.series.map(({ row }) => [row.id, row.instance_count]))
  const known = fresh.series.filter((row) => counts.has(row.id))
  const grown = fresh.series.reduce((sum, row) => sum + Math.max(0, row.instance_count - (counts.get(row.id) ?? 0)), 0)
  const shrunk = known.length < shown.series.length || known.some((row) => row.instance_count < (counts.get(row.id) ?? 0))
  return {
    images: grown,
    series: fresh.series.length - known.length,
    replaced: shrunk || (grown === 0 && fresh.revision !== shown.revision),
  }
}

/** Where the reader was in a stack, after it has grown: the same object and frame, wherever it stands now. */
export function sameFrame(before: Stack | undefined, index: number, after: Stack): number {
  if (before?.kind !== 'images' || after.kind !== 'images') return 0
  const frame = before.frames[index]
  const found = after.frames.findIndex((candidate) => candidate.sopUid === frame?.sopUid && candidate.number === frame.number)
  return found >= 0 ? found : Math.min(index, after.frames.length - 1)
}
