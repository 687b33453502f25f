import { useEffect } from 'react'
import { type Workspace } from '../state/workspace'
import { handleKey } from './commands'

const TYPING = 'input:not([type="range"]), textarea, select, [contenteditable="true"], [role="menu"], [role="dialog"], [role="menuitem"]'
/** Keys that a focused control needs for itself. */
const CONTROL_KEYS = new Set([' ', 'Enter', 'ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown', 'Escape', 'Tab'])

/** The viewer's keys work wherever the focus is, except while somebody types or a menu is open. */
export function useKeys(workspace: Workspace): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target instanceof Element ? event.target : null
      if (event.defaultPrevented || target?.closest(TYPING) != null) return
      const isControl = target?.closest('button, a, input, [role="slider"], [role="option"]') != null
      if (isControl && CONTROL_KEYS.has(event.key)) return
      if (handleKey(event, workspace)) event.preventDefault()
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [workspace])
}
