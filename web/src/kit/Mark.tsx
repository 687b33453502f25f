import {
  IconArrowBarToDown,
  IconFileZip,
  IconHandStop,
  IconHelpHexagon,
  IconHistory,
  IconLockAccess,
  IconProgressDown,
  IconSparkles,
  IconTransform,
  IconUsers,
  type Icon,
} from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Tip } from './Tip'
import css from './Mark.module.css'

export type MarkKind = 'held' | 'receiving' | 'unverified' | 'restricted' | 'lossy' | 'partial' | 'derived' | 'ai' | 'prior' | 'other_patient'

const ICONS: Record<MarkKind, Icon> = {
  held: IconHandStop,
  receiving: IconArrowBarToDown,
  unverified: IconHelpHexagon,
  restricted: IconLockAccess,
  lossy: IconFileZip,
  partial: IconProgressDown,
  derived: IconTransform,
  ai: IconSparkles,
  prior: IconHistory,
  other_patient: IconUsers,
}

/** Provenance has one fixed mark each, used everywhere: a shape with a word, or the shape alone with the word on hover. */
export function Mark({ kind, text, iconOnly = false }: { kind: MarkKind; text?: string; iconOnly?: boolean }) {
  const { t } = useTranslation()
  const Icon = ICONS[kind]
  const word = text ?? t(`mark.${kind}`)
  const mark = (
    <span className={css['mark']} data-kind={kind} {...(iconOnly ? { role: 'img', 'aria-label': word } : {})}>
      <Icon size={14} stroke={1.75} aria-hidden />
      {!iconOnly && <span className={css['word']}>{word}</span>}
    </span>
  )
  return iconOnly ? <Tip label={word}>{mark}</Tip> : mark
}
