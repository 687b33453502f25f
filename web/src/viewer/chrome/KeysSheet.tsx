import { ActionIcon } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { useDesk, useWorkspace } from '../state/context'
import css from './KeysSheet.module.css'

type Rows = readonly (readonly [string[], string])[]

function Section({ title, rows }: { title: string; rows: Rows }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {rows.map(([keys, what]) => (
          <div key={what} className={css['row']}>
            <dt dir="ltr">
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function useSections(): readonly (readonly [string, Rows])[] {
  const { t } = useTranslation('viewer')
  return [
    [
      t('keys.images'),
      [
        [['↑', '↓', t('keys.wheel')], `${t('action.previousImage')} / ${t('action.nextImage')}`],
        [[t('keys.shiftWheel')], t('keys.five')],
        [['Home', 'End'], `${t('action.firstImage')} / ${t('action.lastImage')}`],
        [['Page ↑', 'Page ↓'], `${t('action.previousSeries')} / ${t('action.nextSeries')}`],
        [['C'], t('action.cine')],
        [['+', '-'], `${t('action.faster')} / ${t('action.slower')}`],
      ],
    ],
    [
      t('keys.tools'),
      [
        [['W'], t('tool.window')],
        [['Z', t('keys.right'), t('keys.ctrlWheel')], t('tool.zoom')],
        [['P', t('keys.middle')], t('tool.pan')],
        [['S', t('keys.both')], t('tool.scroll')],
        [['D'], t('tool.length')],
        [['A'], t('tool.angle')],
        [['Del'], t('action.deleteMark')],
        [['Ctrl Z', 'Ctrl Y'], `${t('action.undo')} / ${t('action.redo')}`],
      ],
    ],
    [
      t('keys.view'),
      [
        [['R', 'L'], `${t('action.rotateRight')} / ${t('action.rotateLeft')}`],
        [['H', 'V'], `${t('action.flipHorizontal')} / ${t('action.flipVertical')}`],
        [['='], t('action.fit')],
        [['U'], t('action.oneToOne')],
        [['Space'], t('action.reset')],
        [['O'], t('keys.overlay')],
      ],
    ],
    [
      t('keys.window'),
      [
        [['1', '…', '9'], t('keys.presets')],
        [['0'], t('keys.headerWindow')],
        [['I'], t('action.invert')],
      ],
    ],
    [
      t('keys.panes'),
      [
        [['←', '→'], `${t('action.previousPane')} / ${t('action.nextPane')}`],
        [['F', t('keys.doubleClick')], t('action.enlarge')],
        [['.', ','], t('hanging.stageKeys')],
        [['X'], t('hanging.cursorKey')],
        [['G'], t('action.link')],
        [['Shift G'], t('hanging.offsetKey')],
        [['Y'], t('action.referenceLines')],
        [['Shift S'], t('action.thumbnails')],
        [['Shift P'], t('action.panel')],
        [['?'], t('keys.sheet')],
        [['Alt ←'], t('failure.back')],
      ],
    ],
  ]
}

/** Every key on one page, beside the work and not in front of a question: Escape or `?` closes it. */
export function KeysSheet() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const shown = useDesk((state) => state.keysShown)
  const sections = useSections()
  const sheet = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (shown) sheet.current?.focus()
  }, [shown])
  if (!shown) return null
  return (
    <div ref={sheet} className={css['sheet']} role="region" aria-label={t('keys.title')} tabIndex={-1}>
      <div className={css['head']}>
        <h2>{t('keys.title')}</h2>
        <ActionIcon variant="subtle" size={28} aria-label={t('action.close')} onClick={() => workspace.set({ keysShown: false })}>
          <IconX size={16} />
        </ActionIcon>
      </div>
      <div className={css['columns']}>
        {sections.map(([title, rows]) => (
          <Section key={title} title={title} rows={rows} />
        ))}
      </div>
    </div>
  )
}
