import { LAYERS, type Constraint, type Layer, type LayeredProtocol, type Operand, type Protocol, type Rule, type Selector } from './protocol'

/**
 * Which protocol fits a study, and which series hangs in which pane: the twin of features/reading/hanging/matching.py. Both
 * must answer the same to the cases of tests/cases/hanging.json.
 */
export type Facts = Readonly<Record<string, unknown>>

/** A series as the matcher sees it: its row and its facts in one. */
export interface MatchSeries extends Facts {
  readonly id: string
  readonly kind: string
  readonly images?: readonly (Facts & { readonly sop_uid: string })[]
}

export interface MatchStudy {
  readonly id: string
  readonly patient: string
  readonly relation: string
  readonly facts: Facts
  readonly series: readonly MatchSeries[]
}

/** One rule, and what the study answered. */
export interface Heard {
  attribute: string
  constraint: Constraint
  value: unknown
  held: boolean
  required: boolean
  weight: number
}

export interface Fit {
  protocol: Protocol
  layer: Layer
  fits: boolean
  score: number
  rules: Heard[]
}

export interface Candidate {
  study: string
  series: string
  sopUid: string
  score: number
}

/** What hangs in a pane; nothing is found for one that stays empty. */
export interface PaneHang {
  pane: number
  selector: string
  index: number
  study: string
  series: string
  sopUid: string
  score: number
  /** Which of the display sets that the pane asks for: 0 is the one that it wants, others stand in for it. */
  at: number
}

const READABLE: ReadonlySet<unknown> = new Set(['image', 'parametric', 'slide', 'video', 'rtdose'])

function compares(constraint: Constraint, values: readonly unknown[]): boolean {
  const texts = values.filter((value): value is string => typeof value === 'string').map((value) => value.toLowerCase())
  const numbers = values.filter((value): value is number => typeof value === 'number')
  const isAny = (wanted: Operand): boolean => values.some((value) => value === wanted)
  const { equals, one_of, contains, starts_with, greater_than, less_than } = constraint
  if (equals !== undefined) return isAny(equals)
  if (one_of !== undefined) return one_of.some(isAny)
  if (contains !== undefined) return texts.some((text) => text.includes(contains.toLowerCase()))
  if (starts_with !== undefined) return texts.some((text) => text.startsWith(starts_with.toLowerCase()))
  if (greater_than !== undefined) return numbers.some((value) => value > greater_than)
  if (less_than !== undefined) return numbers.some((value) => value < less_than)
  return values.length > 0 === (constraint.exists ?? true)
}

export function holds(constraint: Constraint, value: unknown): boolean {
  const values = (Array.isArray(value) ? (value as unknown[]) : [value]).filter((item) => item !== undefined && item !== null && item !== '')
  return compares(constraint, values) !== (constraint.negate ?? false)
}

const hear = (rules: readonly Rule[], facts: Facts): Heard[] =>
  rules.map(({ attribute, constraint, weight = 1, required = false }) => {
    const value = facts[attribute]
    return { attribute, constraint, value, held: holds(constraint, value), required, weight }
  })

function judge(heard: readonly Heard[]): { fits: boolean; score: number } {
  const score = heard.reduce((sum, rule) => sum + (rule.held ? rule.weight : 0), 0)
  if (heard.some((rule) => rule.required && !rule.held)) return { fits: false, score }
  return { fits: heard.length === 0 || score > 0 || heard.some((rule) => rule.required), score }
}

/** Every protocol, the best fitting first: what is nearer to the person wins, then the score, the priority, the id. */
export function rank(protocols: readonly LayeredProtocol[], study: MatchStudy, priorCount: number): Fit[] {
  const facts = { ...study.facts, prior_count: priorCount }
  const fits = protocols.map(({ layer, document }): Fit => {
    const rules = hear(document.protocol_matching_rules, facts)
    return { protocol: document, layer, ...judge(rules), rules }
  })
  const order = (a: Fit, b: Fit): number =>
    Number(b.fits) - Number(a.fits) ||
    LAYERS.indexOf(b.layer) - LAYERS.indexOf(a.layer) ||
    b.score - a.score ||
    (b.protocol.priority ?? 0) - (a.protocol.priority ?? 0) ||
    (a.protocol.id < b.protocol.id ? -1 : 1)
  return fits.sort(order)
}

/** Of studies given in the order of relevance, those that may hang as priors: earlier ones of the same patient, nothing else (guard 7). */
export const relevant = (current: MatchStudy, priors: readonly MatchStudy[]): MatchStudy[] =>
  priors.filter((study) => study.relation === 'prior' && study.patient === current.patient && study.id !== current.id)

type Ranked = Candidate & { place: number; number: number }

function imagesOf(selector: Selector, study: MatchStudy, series: MatchSeries, place: number, score: number): Ranked[] {
  const rules = selector.image_matching_rules
  if (rules === undefined) return [{ study: study.id, series: series.id, sopUid: '', score, place, number: 0 }]
  return (series.images ?? []).flatMap((image, number) => {
    const own = judge(hear(rules, image))
    return own.fits ? [{ study: study.id, series: series.id, sopUid: image.sop_uid, score: score + own.score, place, number }] : []
  })
}

/** What a selector finds, the best first. `priors` are relevant ones. */
export function candidates(selector: Selector, current: MatchStudy, priors: readonly MatchStudy[]): Candidate[] {
  const study = selector.study === 'prior' ? priors[selector.prior_index ?? 0] : current
  if (study === undefined) return []
  const rules = selector.series_matching_rules ?? []
  const namesKind = rules.some((rule) => rule.attribute === 'kind')
  return study.series
    .flatMap((series, place): Ranked[] => {
      if (!namesKind && !READABLE.has(series.kind)) return []
      const { fits, score } = judge(hear(rules, series))
      return fits ? imagesOf(selector, study, series, place, score) : []
    })
    .sort((a, b) => b.score - a.score || a.place - b.place || a.number - b.number)
    .map(({ study: id, series, sopUid, score }) => ({ study: id, series, sopUid, score }))
}

/** Each pane of a stage. A series that one selector has hung is not hung again by another. */
export function arrange(protocol: Protocol, stage: number, current: MatchStudy, priors: readonly MatchStudy[]): PaneHang[] {
  const chosen = relevant(current, priors)
  const found = new Map<string, Candidate[]>()
  const taken = new Map<string, string>()
  const candidatesOf = (name: string): Candidate[] => {
    const known = found.get(name) ?? candidates(protocol.display_set_selectors[name] ?? {}, current, chosen)
    found.set(name, known)
    return known
  }
  const keyOf = (one: Candidate): string => `${one.study}/${one.series}/${one.sopUid}`
  return (protocol.stages[stage]?.viewports ?? []).map((viewport, pane): PaneHang => {
    for (const [at, { id, matched_display_sets_index: index = 0 }] of [...viewport.display_sets, ...(viewport.otherwise ?? [])].entries()) {
      const one = candidatesOf(id).filter((candidate) => (taken.get(keyOf(candidate)) ?? id) === id)[index]
      if (one === undefined) continue
      taken.set(keyOf(one), id)
      return { pane, selector: id, index, ...one, at }
    }
    return { pane, selector: '', index: 0, study: '', series: '', sopUid: '', score: 0, at: 0 }
  })
}

/** The stages that have something to show, in their order. */
export function stagesOf(protocol: Protocol, current: MatchStudy, priors: readonly MatchStudy[]): number[] {
  const chosen = relevant(current, priors)
  const has = (name: string): boolean => candidates(protocol.display_set_selectors[name] ?? {}, current, chosen).length > 0
  return protocol.stages.flatMap((stage, number) =>
    (stage.requires ?? []).every(has) && arrange(protocol, number, current, priors).some((pane) => pane.selector !== '') ? [number] : [],
  )
}

/** Series with something to see that hang in no pane. */
export function leftOut(current: MatchStudy, panes: readonly PaneHang[]): string[] {
  const hung = new Set(panes.map((pane) => pane.series))
  return current.series.filter((series) => READABLE.has(series.kind) && !hung.has(series.id)).map((series) => series.id)
}
