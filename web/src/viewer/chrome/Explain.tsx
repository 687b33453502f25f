import { ActionIcon } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { type ReactNode, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { type Fit, type Heard } from '../hanging/match'
import { type Constraint } from '../hanging/protocol'
import { type PlacedHang } from '../hanging/shape'
import { useDesk, useWorkspace } from '../state/context'
import css from './Explain.module.css'
import { useHangingName } from './useHangingName'

const MOST_SHOWN = 8

/** A constraint as it is written: short words that mean the same in the protocol's text. */
export function wordsOf(constraint: Constraint): string {
  const { negate = false, ...rest } = constraint
  const [name = '', value] = Object.entries(rest)[0] ?? []
  const sign: Record<string, string> = { equals: '=', one_of: '∈', contains: '∋', starts_with: '^', greater_than: '>', less_than: '<', exists: '∃' }
  return `${negate ? '¬ ' : ''}${sign[name] ?? name} ${Array.isArray(value) ? value.join(', ') : String(value)}`
}

const said = (value: unknown): string => (value === undefined || value === null || value === '' ? '–' : Array.isArray(value) ? value.join(', ') || '–' : JSON.stringify(value).replace(/^"|"$/g, ''))

function Rules({ rules }: { rules: readonly Heard[] }) {
  const { t } = useTranslation('viewer')
  return (
    <ul className={css['rules']}>
      {rules.map((rule, index) => (
        <li key={index} data-held={rule.held}>
          <span aria-hidden>{rule.held ? '✓' : '×'}</span>
          <code dir="ltr">
            {rule.attribute} {wordsOf(rule.constraint)}
          </code>
          <span className={css['quiet']}>
            {t('hanging.is', { value: said(rule.value) })}
            {rule.required ? ` · ${t('hanging.required')}` : ''}
            {rule.held && rule.weight > 0 ? ` · +${rule.weight}` : ''}
          </span>
        </li>
      ))}
    </ul>
  )
}

function ProtocolFit({ fit, isChosen }: { fit: Fit; isChosen: boolean }) {
  const { t } = useTranslation('viewer')
  const { protocolName } = useHangingName()
  return (
    <details open={isChosen}>
      <summary data-fits={fit.fits}>
        {protocolName(fit.protocol)} <span className={css['quiet']}>
          {fit.fits ? t('hanging.score', { score: fit.score }) : t('hanging.doesNotFit')} · {t(`hanging.layer.${fit.layer}`)}
        </span>
      </summary>
      {fit.rules.length === 0 ? <p className={css['quiet']}>{t('hanging.fitsAll')}</p> : <Rules rules={fit.rules} />}
    </details>
  )
}

function PaneLine({ pane }: { pane: PlacedHang }) {
  const { t } = useTranslation('viewer')
  const series = useDesk((state) => state.studies.flatMap((study) => study.series).find(({ row }) => row.id === pane.series))
  const text = pane.selector === '' ? t('hanging.nothingFound') : t(pane.at > 0 ? 'hanging.standsIn' : 'hanging.found', { selector: pane.selector, score: pane.score })
  return (
    <li>
      <strong>{t('hanging.pane', { number: pane.pane + 1 })}</strong> <bdi>{series === undefined ? '' : `${series.row.number ?? ''} ${series.row.description}`}</bdi>{' '}
      <span className={css['quiet']}>{text}</span>
    </li>
  )
}

/** A sheet over the pictures that asks nothing and closes by Escape. */
export function Sheet({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const { t } = useTranslation('viewer')
  const sheet = useRef<HTMLDivElement>(null)
  useEffect(() => sheet.current?.focus(), [])
  return (
    <div ref={sheet} className={css['sheet']} role="region" aria-label={title} tabIndex={-1}>
      <header className={css['head']}>
        <h2>{title}</h2>
        <ActionIcon variant="subtle" size={28} aria-label={t('action.close')} onClick={onClose}>
          <IconX size={18} />
        </ActionIcon>
      </header>
      {children}
    </div>
  )
}

/** Why this hang: which rules held, what each protocol scored, and why each series got its pane. */
export function Explain() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const shown = useDesk((state) => state.sheet === 'explain')
  const hanging = useDesk((state) => state.hanging)
  if (!shown || hanging === undefined) return null
  return (
    <Sheet title={t('hanging.explain')} onClose={() => workspace.set({ sheet: undefined })}>
      <div className={css['columns']}>
        <section>
          <h3>{t('hanging.panes')}</h3>
          {hanging.changed && <p className={css['quiet']}>{t('hanging.changed')}</p>}
          <ol className={css['panes']}>
            {hanging.panes.map((pane) => (
              <PaneLine key={pane.pane} pane={pane} />
            ))}
          </ol>
        </section>
        <section>
          <h3>{t('hanging.protocols')}</h3>
          {hanging.fits.slice(0, MOST_SHOWN).map((fit) => (
            <ProtocolFit key={fit.protocol.id} fit={fit} isChosen={fit.protocol.id === hanging.protocol.id} />
          ))}
        </section>
      </div>
    </Sheet>
  )
}

