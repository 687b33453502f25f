import { type ReactNode } from 'react'
import { createPortal } from 'react-dom'
import { create } from 'zustand'

const useSlot = create<{ element: HTMLElement | null }>(() => ({ element: null }))

/** The place in the top bar that a page may fill; the shell renders it once. */
export function TopBarSlot({ className }: { className?: string | undefined }) {
  return <div className={className} ref={(element) => useSlot.setState({ element })} />
}

/** Puts a page's own bar (the patient bar, a title) into the shell's top bar. */
export function TopBar({ children }: { children: ReactNode }) {
  const element = useSlot((state) => state.element)
  return element === null ? null : createPortal(children, element)
}
