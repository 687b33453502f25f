import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleMinus,
  IconClock,
  IconExclamationCircle,
  IconInfoCircle,
  IconLoader,
  type Icon,
} from '@tabler/icons-react'
import { type ReactNode } from 'react'
import css from './State.module.css'

export type Tone = 'ok' | 'info' | 'warning' | 'critical' | 'waiting' | 'running' | 'idle' | 'stopped'

const ICONS: Record<Tone, Icon> = {
  ok: IconCircleCheck,
  info: IconInfoCircle,
  warning: IconAlertTriangle,
  critical: IconExclamationCircle,
  waiting: IconClock,
  running: IconLoader,
  idle: IconCircleDashed,
  stopped: IconCircleMinus,
}

/** A state as shape and word, coloured only where the colour means something. */
export function State({ tone, children }: { tone: Tone; children: ReactNode }) {
  const Icon = ICONS[tone]
  return (
    <span className={css['state']} data-tone={tone}>
      <Icon size={14} stroke={1.75} aria-hidden />
      <span className={css['word']}>{children}</span>
    </span>
  )
}
