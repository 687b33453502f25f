import { type Attributes, type Element } from './attributes'
import { TAGS } from './tags'

export interface AttributeRow {
  tag: string
  name: string
  value: string
  /** Number of items of a sequence. */
  items?: number
  isBinary?: boolean
}

const NAMES = new Map<string, string>(Object.entries(TAGS).map(([keyword, tag]) => [tag, keyword.replace(/([a-z])([A-Z])|([A-Z]+)([A-Z][a-z])/g, '$1$3 $2$4')]))
const LONGEST = 200
const MOST_ROWS = 400
const BINARY = new Set(['OB', 'OW', 'OF', 'OD', 'OL', 'OV', 'UN'])

function textOf(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  return typeof value === 'object' && value !== null && 'Alphabetic' in value ? String(value.Alphabetic) : ''
}

function rowOf(tag: string, element: Element): AttributeRow {
  const shown = `${tag.slice(0, 4)},${tag.slice(4)}`
  const name = NAMES.get(tag) ?? ''
  if (element.vr === 'SQ') return { tag: shown, name, value: '', items: element.Value?.length ?? 0 }
  if (BINARY.has(element.vr) || element.BulkDataURI !== undefined) return { tag: shown, name, value: '', isBinary: true }
  const text = (element.Value ?? []).map(textOf).join(' \\ ')
  return { tag: shown, name, value: text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text }
}

/** What an object says about itself at its top level, in tag order, private attributes left out. */
export function attributeRows(attributes: Attributes): AttributeRow[] {
  const merged = new Map<string, Element>()
  for (const layer of attributes.layers) for (const [tag, element] of Object.entries(layer)) if (!merged.has(tag)) merged.set(tag, element)
  return [...merged]
    .filter(([tag]) => parseInt(tag.slice(0, 4), 16) % 2 === 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MOST_ROWS)
    .map(([tag, element]) => rowOf(tag, element))
}
