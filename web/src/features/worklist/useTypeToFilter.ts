import { type RefObject, useEffect } from 'react'

const TYPES = 'input, textarea, select, [contenteditable="true"], [role="combobox"], [role="menu"], [role="dialog"]'

/** Any letter or digit goes to the search box, wherever the focus is, unless somebody is already writing. */
export function useTypeToFilter(search: RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || event.isComposing) return
      if (event.key.length !== 1 || event.key === ' ') return
      const target = event.target
      if (target instanceof Element && target.closest(TYPES) !== null) return
      if (document.querySelector('[role="dialog"]') !== null) return
      // The focus moves before the character is written, so the box receives it.
      search.current?.focus()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [search])
}
