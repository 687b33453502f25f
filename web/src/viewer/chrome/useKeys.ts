import { useEffect } from 'react'
import { type Workspace } from '../state/workspace'
import { handleKey } from './commands'
import { loadBindings } from './keychoice'

const TYPING = 'input:not([type="range"]), textarea, [data-listening="true"], select, [contenteditable="true"], [role="menu"], [role="dialog"], [role="menuitem"]'
const BUTTON_KEYS = new Set([' ', 'Enter', 'Tab'])
const SLIDER_KEYS = new Set([...BUTTON_KEYS, 'ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown'])

/** True for a key that the focused control needs for itself. */
function belongsToControl(target: Element | null, key: string): boolean {
  if (target?.closest('input, [role="slider"]') != null) return SLIDER_KEYS.has(key)
  return target?.closest('button, a, [role="button"]') != null && BUTTON_KEYS.has(key)
}

/** The viewer's keys work wherever the focus is, except while somebody types or a menu is open. */
export function useKeys(workspace: Workspace): void {
  useEffect(() => void loadBindings(), [])
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target instanceof Element ? event.target : null
      if (target?.closest(TYPING) != null || belongsToControl(target, event.key)) return
      if (handleKey(event, workspace)) event.preventDefault()
    }
    // On the way down: the drawing library swallows keys on its own elements.
    window.addEventListener('keydown', press, true)
    return () => window.removeEventListener('keydown', press, true)
  }, [workspace])
}
