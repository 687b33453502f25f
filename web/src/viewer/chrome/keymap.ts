import { createStore } from 'zustand/vanilla'

/**
 * A stroke as text: `W`, `Shift+S`, `Ctrl+Z`, `ArrowUp`, `1`, `?`. Letters are those of the Latin keyboard, digits the keys of the
 * digit row, whatever script the keyboard writes; other signs are what the key writes.
 */
export type Stroke = string

/** Strokes by action, as a person has set them; an action that is not in it keeps its own. */
export type Bindings = Readonly<Record<string, readonly Stroke[]>>

/** Signs of other scripts stand for those of the map. */
const NAMED: Readonly<Record<string, string>> = { ' ': 'Space', Esc: 'Escape', Del: 'Delete', '؟': '?', '？': '?', '،': ',', '，': ',', '。': '.' }
/** Strokes that belong to the browser or to moving the focus, and those that would leave no way out. */
const RESERVED = new Set(['Tab', 'Shift+Tab', 'Enter', 'Escape', 'F5', 'F11', 'F12', 'Ctrl+W', 'Ctrl+T', 'Ctrl+N', 'Ctrl+R', 'Ctrl+L', 'Ctrl+K', 'Ctrl+P', 'Ctrl+F', 'Ctrl+C', 'Ctrl+V', 'Ctrl+X', 'Ctrl+A'])
const MOST_STROKES = 4
const LONGEST = 32

type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>

function keyName(event: Pressed): { name: string; takesShift: boolean } | undefined {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1]
  if (/^[a-z]$/i.test(event.key)) return { name: event.key.toUpperCase(), takesShift: true }
  if (digit !== undefined && !event.shiftKey) return { name: digit, takesShift: false }
  // A keyboard of another script: the place of the key says which letter is meant.
  if (/^Key[A-Z]$/.test(event.code) && event.key.length === 1 && event.key > '~' && NAMED[event.key] === undefined) return { name: event.code.slice(3), takesShift: true }
  if (['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'Dead', 'Unidentified', 'Process', 'CapsLock'].includes(event.key)) return undefined
  const name = NAMED[event.key] ?? event.key
  // What a key writes includes its Shift already; a named key does not.
  return { name, takesShift: name.length > 1 }
}

/** The stroke of a key event; nothing for a modifier alone. */
export function strokeOf(event: Pressed): Stroke | undefined {
  const key = keyName(event)
  if (key === undefined) return undefined
  const modifiers = [event.ctrlKey || event.metaKey ? 'Ctrl+' : '', event.altKey ? 'Alt+' : '', event.shiftKey && key.takesShift ? 'Shift+' : '']
  return modifiers.join('') + key.name
}

/** Whether a stroke can be given to an action. */
export const isFree = (stroke: Stroke): boolean => !RESERVED.has(stroke) && stroke.length <= LONGEST

export interface Bindable {
  id: string
  keys: readonly Stroke[]
}

export const strokesOf = (action: Bindable, bindings: Bindings): readonly Stroke[] => bindings[action.id] ?? action.keys

/** Which action a stroke means; one that a person has set comes before one that an action has by itself. */
export function actionOf(stroke: Stroke, actions: readonly Bindable[], bindings: Bindings): string | undefined {
  const own = actions.find(({ id }) => bindings[id]?.includes(stroke))
  return (own ?? actions.find((action) => bindings[action.id] === undefined && action.keys.includes(stroke)))?.id
}

/** Strokes that more than one action has, with those actions. */
export function conflicts(actions: readonly Bindable[], bindings: Bindings): Map<Stroke, string[]> {
  const all = new Map<Stroke, string[]>()
  for (const action of actions) for (const stroke of strokesOf(action, bindings)) all.set(stroke, [...(all.get(stroke) ?? []), action.id])
  return new Map([...all].filter(([, ids]) => ids.length > 1))
}

/** What is usable of foreign bindings: a file, or what an older page has saved. Nothing when it is no set of bindings at all. */
export function readBindings(value: unknown, actions: readonly Bindable[]): Bindings | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const known = new Set(actions.map(({ id }) => id))
  const found: Record<string, readonly Stroke[]> = {}
  for (const [id, strokes] of Object.entries(value)) {
    if (!known.has(id) || !Array.isArray(strokes)) continue
    found[id] = strokes.filter((stroke): stroke is Stroke => typeof stroke === 'string' && stroke !== '' && isFree(stroke)).slice(0, MOST_STROKES)
  }
  return found
}

/** The bindings of the person at this window; empty until they are known, so that every key works from the first moment. */
export const keymap = createStore<{ bindings: Bindings }>(() => ({ bindings: {} }))
