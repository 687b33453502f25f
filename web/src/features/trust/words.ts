import i18next from 'i18next'
import { type RuleValue, type Tree } from '@/api/trust'

/** Names of what rules speak of by number or id: sites, departments, people. */
export interface Known {
  sites: ReadonlyMap<number, string>
  departments: ReadonlyMap<number, string>
  people: ReadonlyMap<string, string>
}

export const NOBODY: Known = { sites: new Map(), departments: new Map(), people: new Map() }

const translate = (key: string, values: Record<string, string> = {}): string => (i18next.t as (name: string, values: object) => string)(key, values)

function word(key: string, otherwise: string): string {
  return i18next.exists(`access:${key}`) ? translate(`access:${key}`) : otherwise
}

const slug = (text: string): string => text.replaceAll(/[. ]/g, '_')

/** The name of a rule; those that the program brings are translated. */
export const ruleName = (name: string): string => word(`rule_name.${slug(name)}`, name)

/** What keeps a condition from being read; where it does is shown beside it. */
export const ruleTrouble = (code: string, message: string): string => word(`trouble.${code}`, message)

export const fieldName = (path: string): string => word(`name.${slug(path)}`, path)

function one(path: string, value: boolean | number | string, known: Known): string {
  if (typeof value === 'boolean') return word(value ? 'value.yes' : 'value.no', String(value))
  if (typeof value === 'number') {
    if (path.includes('site')) return known.sites.get(value) ?? `#${value}`
    if (path.includes('department')) return known.departments.get(value) ?? `#${value}`
    return `#${value}`
  }
  if (path === 'principal.roles') return i18next.exists(`role.${value}`) ? translate(`role.${value}`) : value
  return known.people.get(value) ?? word(`value.${value}`, `“${value}”`)
}

/** A value as a person reads it, in the light of the field that it belongs to. */
export function valueText(path: string, value: RuleValue, known: Known): string {
  if (!Array.isArray(value)) return one(path, value, known)
  if (value.length === 0) return word('value.none', '[]')
  return value.map((item) => one(path, item, known)).join(', ')
}

interface Operand {
  path: string
  text: string
  isName: boolean
}

function isTree(value: unknown): value is Tree {
  return Array.isArray(value) && typeof value[0] === 'string'
}

function operand(tree: unknown, other: unknown, known: Known): Operand {
  if (!isTree(tree)) return { path: '', text: '?', isName: false }
  const [kind, value] = tree
  if (kind === 'name') return { path: String(value), text: fieldName(String(value)), isName: true }
  const path = isTree(other) && other[0] === 'name' ? String(other[1]) : ''
  if (kind === 'value') return { path, text: valueText(path, value as RuleValue, known), isName: false }
  return { path: '', text: `(${sentence(tree, known)})`, isName: false }
}

const SIGNS: Record<string, string> = { '==': 'eq', '!=': 'ne', '<': 'lt', '<=': 'le', '>': 'gt', '>=': 'ge', startsWith: 'starts' }

/** The smallest part of a condition in words; a whole one in brackets. */
export function sentence(tree: Tree, known: Known): string {
  const [kind, first, second] = tree
  if (kind === 'all' || kind === 'any') {
    const joint = ` ${word(`op.${kind}`, kind)} `
    return tree.slice(1).filter(isTree).map((part) => sentence(part, known)).join(joint)
  }
  if (kind === 'not' && isTree(first)) return translate('access:op.not_this', { what: sentence(first, known) })
  if (kind === 'name') return word(`is.${slug(String(first))}`, fieldName(String(first)))
  if (kind === 'value') return word(first === true ? 'op.always' : 'op.never', String(first))
  const left = operand(first, second, known)
  const right = operand(second, first, known)
  const shape = right.isName ? 'name' : 'values'
  const key = kind === 'in' ? `in_${shape}` : kind === 'overlaps' ? `overlaps_${shape}` : (SIGNS[kind] ?? 'eq')
  return translate(`access:op.${key}`, { left: left.text, right: right.text })
}

/** Parts that are shown below one another. */
export function partsOf(tree: Tree): { joint: 'all' | 'any' | 'not'; parts: Tree[] } | null {
  const [kind, ...parts] = tree
  if (kind === 'all' || kind === 'any' || kind === 'not') return { joint: kind, parts: parts.filter(isTree) }
  return null
}
