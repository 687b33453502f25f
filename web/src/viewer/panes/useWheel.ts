import { useEffect } from 'react'
import { type Viewport } from '../viewport/types'

const FAST = 5
/** A notch of a mouse wheel; a touch pad sends many small steps that are added up. */
const NOTCH_PX = 50
const NOTCH_LINES = 1

/** Wheel scrolls the stack, with Shift five at a time, with Ctrl it zooms. */
export function useWheel(host: HTMLElement | null, viewport: Viewport | undefined): void {
  useEffect(() => {
    if (host === null || viewport === undefined) return undefined
    let rest = 0
    const turn = (event: WheelEvent): void => {
      event.preventDefault()
      // With Shift held, browsers report a sideways wheel.
      const delta = event.deltaY !== 0 ? event.deltaY : event.deltaX
      if (event.ctrlKey) {
        const box = host.getBoundingClientRect()
        viewport.zoomBy(Math.exp(-Math.sign(delta) * 0.12), [event.clientX - box.left, event.clientY - box.top])
        return
      }
      const notch = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? NOTCH_PX : NOTCH_LINES
      if (Math.sign(delta) !== Math.sign(rest)) rest = 0
      rest += delta / notch
      const steps = Math.trunc(rest)
      if (steps === 0) return
      rest -= steps
      viewport.scrollBy(Math.sign(steps) * (event.shiftKey ? FAST : 1))
    }
    host.addEventListener('wheel', turn, { passive: false })
    return () => host.removeEventListener('wheel', turn)
  }, [host, viewport])
}
