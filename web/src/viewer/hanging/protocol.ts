/** A hanging protocol as the server keeps it: data, checked there against its schema. */

export type Operand = boolean | number | string

/** Exactly one comparison; a list of values holds it when any of them does. */
export interface Constraint {
  equals?: Operand
  one_of?: Operand[]
  contains?: string
  starts_with?: string
  greater_than?: number
  less_than?: number
  exists?: boolean
  negate?: boolean
}

export interface Rule {
  attribute: string
  constraint: Constraint
  weight?: number
  required?: boolean
}

export interface Selector {
  study?: 'current' | 'prior'
  prior_index?: number
  series_matching_rules?: Rule[]
  /** With these a selector finds single images of a series. */
  image_matching_rules?: Rule[]
}

export interface DisplaySet {
  id: string
  matched_display_sets_index?: number
  options?: { voi?: { preset?: string; center?: number; width?: number }; invert?: boolean }
}

export interface ViewportRule {
  display_sets: DisplaySet[]
  otherwise?: DisplaySet[]
  viewport_options?: { initial_image?: 'first' | 'middle' | 'last'; sync_groups?: string[]; align?: 'left' | 'center' | 'right' }
}

/** Where a pane lies on the grid, when the grid is not even. */
export interface Area {
  row: number
  column: number
  rows?: number
  columns?: number
}

export interface Stage {
  name: string
  requires?: string[]
  viewport_structure: { rows: number; columns: number; areas?: Area[]; keep_empty?: boolean }
  viewports: ViewportRule[]
  same_scale?: boolean
}

export interface Protocol {
  id: string
  name: string
  priority?: number
  protocol_matching_rules: Rule[]
  number_of_priors_referenced?: number
  display_set_selectors: Record<string, Selector>
  stages: Stage[]
}

/** From whom a protocol is; what is nearer to the person stands over what is farther. */
export const LAYERS = ['shipped', 'site', 'role', 'user'] as const
export type Layer = (typeof LAYERS)[number]

export interface LayeredProtocol {
  layer: Layer
  document: Protocol
}

export const MOST_SIDE = 5
