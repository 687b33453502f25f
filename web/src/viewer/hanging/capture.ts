import { type SeriesFacts, type SeriesRow, type StudyManifest } from '@/api/types'
import { candidates } from './match'
import { type Area, type DisplaySet, type Protocol, type Rule, type Selector, type ViewportRule } from './protocol'
import { paneCount, type Layout } from './shape'
import { matchable } from './study'

/** What a pane shows now, as far as it can be said of another study too. */
export interface SeenPane {
  series: SeriesRow
  isPrior: boolean
  /** Of a series whose images are each for themselves: which of them. */
  sopUid: string
  initial: 'first' | 'middle' | 'last'
  voi?: { preset?: string; center?: number; width?: number }
  align: 'left' | 'center' | 'right'
}

const must = (attribute: string, equals: string | boolean): Rule => ({ attribute, constraint: { equals }, required: true })

/** What makes a series the one that it is: its kind, plane, sequence, kernel, contrast; never its number, date or name. */
export function seriesRules(facts: SeriesFacts): Rule[] {
  const rules: Rule[] = [must('modality', facts.modality)]
  if (facts.kind !== 'image') rules.push(must('kind', facts.kind))
  for (const name of ['plane', 'family', 'kernel', 'phase', 'reformat'] as const) {
    const value = facts[name]
    if (typeof value === 'string' && value !== '') rules.push(must(name, value))
  }
  if (typeof facts.contrast === 'boolean') rules.push(must('contrast', facts.contrast))
  if (facts['tomosynthesis'] === true) rules.push(must('tomosynthesis', true))
  if (typeof facts['attenuation_corrected'] === 'boolean') rules.push(must('attenuation_corrected', facts['attenuation_corrected']))
  return rules
}

function imageRules(facts: SeriesFacts, sopUid: string): Rule[] | undefined {
  const image = facts.images?.find((one) => one.sop_uid === sopUid)
  if (image === undefined) return undefined
  const rules: Rule[] = [{ attribute: 'for_presentation', constraint: { equals: true }, weight: 10 }]
  if (image.laterality !== '') rules.push(must('laterality', image.laterality))
  if (image.view !== '') rules.push(must('view', image.view))
  return rules
}

function selectorOf({ series, isPrior, sopUid }: SeenPane): Selector {
  const images = sopUid === '' ? undefined : imageRules(series.facts, sopUid)
  return {
    ...(isPrior ? { study: 'prior' as const } : {}),
    series_matching_rules: seriesRules(series.facts),
    ...(images === undefined ? {} : { image_matching_rules: images }),
  }
}

function nameOf({ series, isPrior, sopUid }: SeenPane): string {
  const { facts } = series
  const image = facts.images?.find((one) => one.sop_uid === sopUid)
  const words = [isPrior ? 'prior' : '', facts.family ?? '', facts.kernel ?? '', facts.plane, image?.laterality ?? '', image?.view ?? '', facts.contrast === true ? 'post' : '']
  const name = words.filter((word) => word !== '').join('-')
  return (name === '' || name === 'prior' ? `${name === '' ? '' : 'prior-'}${facts.modality}` : name).toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 60)
}

/** The rules by which a study is one of this kind: its modalities and its region, which a person may strike out. */
export function studyRules({ hanging }: StudyManifest): Rule[] {
  const rules: Rule[] = hanging.modalities.map((modality) => must('modalities', modality))
  if (hanging.body_part !== '') rules.push({ attribute: 'body_part', constraint: { equals: hanging.body_part }, weight: 10, required: true })
  return rules
}

/** An id of letters, digits and dashes from a name in any script. */
export function slugOf(name: string, taken: ReadonlySet<string> = new Set()): string {
  const base = name.normalize('NFKD').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 56) || 'hanging'
  let slug = base
  for (let number = 2; taken.has(slug); number += 1) slug = `${base}-${number}`
  return slug
}

/** What is on the screen as a rule for every study of the kind: panes that stay empty are left out. */
export function generalise(manifest: StudyManifest, layout: Layout, panes: readonly (SeenPane | undefined)[], name: string, rules: Rule[]): Protocol | undefined {
  const { current, priors } = matchable(manifest)
  const selectors: Record<string, Selector> = {}
  const viewports: ViewportRule[] = []
  const places: number[] = []
  panes.slice(0, paneCount(layout)).forEach((pane, place) => {
    if (pane === undefined) return
    const selector = selectorOf(pane)
    const text = JSON.stringify(selector)
    const known = Object.entries(selectors).find(([, other]) => JSON.stringify(other) === text)?.[0]
    const id = known ?? slugOf(nameOf(pane), new Set(Object.keys(selectors)))
    selectors[id] = selector
    const index = candidates(selector, current, priors).findIndex((one) => one.series === pane.series.id && (one.sopUid === '' || one.sopUid === pane.sopUid))
    const display: DisplaySet = { id, ...(index > 0 ? { matched_display_sets_index: index } : {}), ...(pane.voi === undefined ? {} : { options: { voi: pane.voi } }) }
    viewports.push({ display_sets: [display], viewport_options: { initial_image: pane.initial, align: pane.align } })
    places.push(place)
  })
  if (viewports.length === 0) return undefined
  const { rows, columns } = layout
  const areaOf = (place: number): Area => layout.areas?.[place] ?? { row: Math.floor(place / columns), column: place % columns }
  const isWhole = layout.areas === undefined && places.length === rows * columns
  return {
    id: slugOf(name),
    name,
    protocol_matching_rules: rules,
    number_of_priors_referenced: panes.some((pane) => pane?.isPrior === true) ? 1 : 0,
    display_set_selectors: selectors,
    stages: [
      {
        name,
        viewport_structure: { rows, columns, ...(isWhole ? {} : { areas: places.map(areaOf) }) },
        viewports,
      },
    ],
  }
}
