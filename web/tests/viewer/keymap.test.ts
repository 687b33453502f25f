import { describe, expect, it } from 'vitest'
import { actionOf, conflicts, isFree, readBindings, strokeOf, type Bindable } from '@/viewer/chrome/keymap'

const press = (key: string, code: string, modifiers: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {}): string | undefined =>
  strokeOf({ key, code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...modifiers })

const ACTIONS: readonly Bindable[] = [
  { id: 'tool.window', keys: ['W'] },
  { id: 'view.fit', keys: ['='] },
  { id: 'mark.delete', keys: ['Delete', 'Backspace'] },
]

describe('a stroke', () => {
  it('is the letter that is written, wherever it lies', () => {
    expect(press('z', 'KeyY')).toBe('Z')
    expect(press('S', 'KeyS', { shiftKey: true })).toBe('Shift+S')
  })
  it('is the Latin letter of the place on a keyboard of another script', () => {
    expect(press('ص', 'KeyW')).toBe('W')
    expect(press('ц', 'KeyW')).toBe('W')
  })
  it('is the digit of the place: Arabic, French, number pad', () => {
    expect([press('١', 'Digit1'), press('&', 'Digit1'), press('1', 'Numpad1')]).toEqual(['1', '1', '1'])
  })
  it('is the sign that is written, with its Shift in it', () => {
    expect([press('?', 'Slash', { shiftKey: true }), press('؟', 'Slash', { shiftKey: true }), press(' ', 'Space')]).toEqual(['?', '?', 'Space'])
  })
  it('has its modifiers in one order, and a command key for control', () => {
    expect(press('Z', 'KeyZ', { metaKey: true, shiftKey: true })).toBe('Ctrl+Shift+Z')
    expect(press('ArrowUp', 'ArrowUp', { shiftKey: true })).toBe('Shift+ArrowUp')
  })
  it('is none for a modifier alone', () => expect(press('Shift', 'ShiftLeft', { shiftKey: true })).toBeUndefined())
})

describe('bindings', () => {
  it('a key that somebody has set comes before one that an action has by itself', () => {
    expect(actionOf('W', ACTIONS, {})).toBe('tool.window')
    expect(actionOf('W', ACTIONS, { 'view.fit': ['W'] })).toBe('view.fit')
    expect(actionOf('=', ACTIONS, { 'view.fit': ['W'] })).toBeUndefined()
  })
  it('conflicts are told', () => expect([...conflicts(ACTIONS, { 'view.fit': ['W'] })]).toEqual([['W', ['tool.window', 'view.fit']]]))
  it('what the browser needs for itself is not given away', () => expect(['Tab', 'Escape', 'Ctrl+W', 'W', 'Ctrl+1'].map(isFree)).toEqual([false, false, false, true, true]))
  it('of a file only what can be used is taken', () => {
    const file = { 'view.fit': ['F', 7, 'Tab', ''], 'no.such': ['X'], 'tool.window': 'W' }
    expect(readBindings(file, ACTIONS)).toEqual({ 'view.fit': ['F'] })
    expect([null, [], 'x', 3].map((value) => readBindings(value, ACTIONS))).toEqual([undefined, undefined, undefined, undefined])
  })
})
