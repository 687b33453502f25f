import { ActionIcon } from '@mantine/core'
import { IconMinus, IconPlayerPauseFilled, IconPlayerPlayFilled, IconPlus } from '@tabler/icons-react'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { scheduleOf } from '@/dicom/cine'
import { type ImageStack } from '@/dicom/series'
import { Tip } from '@/kit/Tip'
import { type Viewport, type ViewportState } from '../viewport/types'
import css from './Pane.module.css'

const SPEEDS = [0.1, 0.25, 0.5, 1, 1.5, 2, 4]

/** The next speed up or down. */
export function nextSpeed(speed: number, direction: 1 | -1): number {
  const at = SPEEDS.findIndex((candidate) => candidate >= speed - 1e-6)
  return SPEEDS[Math.min(Math.max((at < 0 ? SPEEDS.length - 1 : at) + direction, 0), SPEEDS.length - 1)] ?? 1
}

export function CineBar({ viewport, state, stack }: { viewport: Viewport; state: ViewportState; stack: ImageStack }) {
  const { t } = useTranslation('viewer')
  const schedule = useMemo(() => {
    const first = stack.frames[0]
    return first === undefined ? undefined : scheduleOf(first.attributes, stack.frames.length)
  }, [stack])
  if (schedule === undefined) return null
  const count = stack.frames.length
  const rate = state.playing && state.shownRate > 0 ? state.shownRate : Math.round(schedule.rate * state.speed * 10) / 10
  return (
    <div className={css['cine']} role="group" aria-label={t('cine.bar')} dir="ltr">
      <ActionIcon variant="subtle" size="md" onClick={() => viewport.play(!state.playing)} aria-label={state.playing ? t('action.pause') : t('action.play')}>
        {state.playing ? <IconPlayerPauseFilled size={16} /> : <IconPlayerPlayFilled size={16} />}
      </ActionIcon>
      <input
        type="range"
        className={css['cineRange']}
        min={0}
        max={count - 1}
        value={state.index}
        aria-label={t('cine.position', { index: state.index + 1, count })}
        onChange={(event) => viewport.goTo(Number(event.currentTarget.value))}
      />
      <ActionIcon variant="subtle" size="sm" onClick={() => viewport.setSpeed(nextSpeed(state.speed, -1))} aria-label={t('action.slower')}>
        <IconMinus size={14} />
      </ActionIcon>
      <Tip label={t(`cine.basis.${schedule.basis}`)}>
        <span className={css['rate']} data-testid="cine-rate">
          {t('overlay.rate', { rate })}
        </span>
      </Tip>
      <ActionIcon variant="subtle" size="sm" onClick={() => viewport.setSpeed(nextSpeed(state.speed, 1))} aria-label={t('action.faster')}>
        <IconPlus size={14} />
      </ActionIcon>
    </div>
  )
}
