import { useRef, type PointerEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { type Viewport, type ViewportState } from '../viewport/types'
import css from './Pane.module.css'
import { useSeen } from './useSeen'

/** The stack as a bar at the edge: where the reader is, how much is there, and a handle to drag. */
export function ScrollBar({ viewport, state }: { viewport: Viewport; state: ViewportState }) {
  const { t } = useTranslation('viewer')
  const track = useRef<HTMLDivElement>(null)
  const count = state.stack?.frames.length ?? 0
  const { runs } = useSeen(state)
  if (count < 2) return null
  const go = (event: PointerEvent): void => {
    const box = track.current?.getBoundingClientRect()
    if (box === undefined || box.height === 0) return
    viewport.goTo(Math.round(((event.clientY - box.top) / box.height) * (count - 1)))
  }
  const thumb = Math.max(100 / count, 4)
  return (
    <div
      ref={track}
      className={css['scrollBar']}
      role="slider"
      aria-orientation="vertical"
      aria-label={t('viewport.scroll', { index: state.index + 1, count })}
      aria-valuemin={1}
      aria-valuemax={count}
      aria-valuenow={state.index + 1}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        go(event)
      }}
      onPointerMove={(event) => {
        if (event.buttons === 1) go(event)
      }}
    >
      <div className={css['scrollLoaded']} style={{ height: `${(state.loaded / count) * 100}%` }} />
      {runs.map(({ first, count: length }) => (
        <div key={first} className={css['scrollSeen']} style={{ top: `${(first / count) * 100}%`, height: `${(length / count) * 100}%` }} />
      ))}
      <div className={css['scrollThumb']} style={{ height: `${thumb}%`, top: `${(state.index / (count - 1)) * (100 - thumb)}%` }} />
    </div>
  )
}
