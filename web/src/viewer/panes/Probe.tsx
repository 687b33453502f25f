import { useEffect, useRef } from 'react'
import { formatValue } from '@/dicom/units'
import { valueAt } from '../pixels/picture'
import { type Viewport } from '../viewport/types'
import { useUnit } from './Corners'
import css from './Pane.module.css'

/** Column, row and value under the pointer. Written past React: it changes with every movement of the mouse. */
export function Probe({ viewport, host, picture }: { viewport: Viewport; host: HTMLElement; picture: NonNullable<Viewport['state']['picture']> }) {
  const line = useRef<HTMLDivElement>(null)
  const unit = useUnit(picture)
  useEffect(() => {
    let last: { x: number; y: number } | undefined
    let frame = 0
    const write = (): void => {
      frame = 0
      const box = last === undefined ? undefined : host.getBoundingClientRect()
      const point = last === undefined || box === undefined ? undefined : viewport.toPixel([last.x - box.left, last.y - box.top])
      const now = viewport.state.picture
      const found = point === undefined || now === undefined ? undefined : valueAt(now, point[0], point[1])
      if (line.current === null) return
      const values = found?.value.map((value) => formatValue(value, now?.rescale.slope ?? 1)).join(' / ') ?? ''
      line.current.textContent = found === undefined ? '' : `${found.x}, ${found.y}: ${values}${unit === '' ? '' : ` ${unit}`}`
    }
    // Measuring lays the page out: once for each frame, and not at all while the pointer is elsewhere.
    const soon = (): void => {
      if (frame === 0) frame = requestAnimationFrame(write)
    }
    const move = (event: PointerEvent): void => {
      last = { x: event.clientX, y: event.clientY }
      soon()
    }
    const leave = (): void => {
      last = undefined
      soon()
    }
    const stop = viewport.subscribe(() => {
      if (last !== undefined) soon()
    })
    host.addEventListener('pointermove', move)
    host.addEventListener('pointerleave', leave)
    return () => {
      cancelAnimationFrame(frame)
      stop()
      host.removeEventListener('pointermove', move)
      host.removeEventListener('pointerleave', leave)
    }
  }, [viewport, host, unit])
  return <div ref={line} className={css['probe']} dir="ltr" data-testid="probe" />
}
