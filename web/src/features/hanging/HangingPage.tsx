import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/api/access'
import { useLint, useProtocols, type HangingLayer, type LayeredProtocol, type Linted } from '@/api/hanging'
import { Failed } from '@/kit/Empty'
import form from '@/kit/form.module.css'
import { Page, Section } from '@/kit/Page'
import { useHangingName } from '@/viewer/chrome/useHangingName'
import { type Protocol } from '@/viewer/hanging/protocol'
import css from './Hanging.module.css'
import { Editor } from './ProtocolEditor'

/** What of each name holds for the person who looks: the nearest layer's. */
function inForce(items: readonly LayeredProtocol[], roles: readonly string[]): ReadonlySet<LayeredProtocol> {
  const order: readonly HangingLayer[] = ['shipped', 'site', 'role', 'user']
  const nearest = new Map<string, LayeredProtocol>()
  for (const one of [...items].sort((a, b) => order.indexOf(a.layer) - order.indexOf(b.layer))) {
    if (one.layer !== 'role' || roles.includes(one.role)) nearest.set(one.document.id, one)
  }
  return new Set(nearest.values())
}

function useLayerWord(): (one: LayeredProtocol) => string {
  const { t } = useTranslation('viewer')
  const { t: app } = useTranslation()
  return ({ layer, role }) => (layer === 'role' ? (app as (key: string) => string)(`role.${role}`) : t(`hanging.layer.${layer}`))
}

function Protocols({ items, chosen, onChoose }: { items: readonly LayeredProtocol[]; chosen: LayeredProtocol | undefined; onChoose: (one: LayeredProtocol) => void }) {
  const { t } = useTranslation('viewer')
  const { user } = useSession()
  const { protocolName } = useHangingName()
  const layerWord = useLayerWord()
  const held = inForce(items, user.roles)
  return (
    <div className={css['wide']}>
      <table className={css['table']} aria-label={t('hanging.protocols')}>
        <thead>
          <tr>
            <th scope="col">{t('hanging.name')}</th>
            <th scope="col">{t('hanging.for')}</th>
            <th scope="col">{t('hanging.state')}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((one) => (
            <tr key={`${one.layer}${one.role}${one.id}${one.document.id}`} data-chosen={one === chosen}>
              <td>
                <button type="button" className={css['name']} onClick={() => onChoose(one)}>
                  <bdi>{one.layer === 'shipped' ? protocolName(one.document as unknown as Protocol) : one.document.name}</bdi>
                </button>
              </td>
              <td>{layerWord(one)}</td>
              <td>{one.enabled ? t(held.has(one) ? 'hanging.inForce' : 'hanging.covered') : t('hanging.off')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function LintTable({ found }: { found: Linted }) {
  const { t } = useTranslation('viewer')
  const counts = (of: readonly { count: number; protocol?: string; selector?: string }[]): string => of.map((one) => `${one.protocol ?? one.selector ?? ''} (${one.count})`).join(', ')
  return (
    <>
      <p className={form['quiet']}>
        {t('hanging.linted', { count: found.studies })}
        {found.without_facts > 0 && ` ${t('hanging.withoutFacts', { count: found.without_facts })}`}
      </p>
      <div className={css['wide']}>
        <table className={css['table']} aria-label={t('hanging.lint')}>
          <thead>
            <tr>
              <th scope="col">{t('hanging.name')}</th>
              <th scope="col">{t('hanging.fits')}</th>
              <th scope="col">{t('hanging.wins')}</th>
              <th scope="col">{t('hanging.emptyPanes')}</th>
              <th scope="col">{t('hanging.leftOut')}</th>
              <th scope="col">{t('hanging.asGood')}</th>
              <th scope="col">{t('hanging.oftenEmpty')}</th>
            </tr>
          </thead>
          <tbody>
            {found.protocols.map((one) => (
              <tr key={one.protocol} data-never={one.wins === 0}>
                <td>
                  <bdi>{one.name}</bdi>
                </td>
                <td data-number>{one.fits}</td>
                <td data-number>{one.wins === 0 ? t('hanging.never') : one.wins}</td>
                <td data-number>{`${one.panes_empty} / ${one.panes_empty + one.panes_filled}`}</td>
                <td data-number>{one.series_left_out}</td>
                <td>{counts(one.as_good)}</td>
                <td>{counts(one.often_empty)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {found.unmatched.length > 0 && <p role="status">{t('hanging.unmatched', { what: found.unmatched.map(({ what, count }) => `${what} (${count})`).join(', ') })}</p>}
    </>
  )
}

function Lint() {
  const { t } = useTranslation('viewer')
  const lint = useLint()
  return (
    <Section title={t('hanging.lint')}>
      <p className={form['quiet']}>{t('hanging.lintHelp')}</p>
      <Button size="compact-sm" variant="default" loading={lint.isPending} onClick={() => lint.mutate()}>
        {t('hanging.runLint')}
      </Button>
      {lint.isError && <Failed error={lint.error} onRetry={() => lint.mutate()} />}
      {lint.data !== undefined && <LintTable found={lint.data} />}
    </Section>
  )
}

/** Every hanging protocol that one may know of, whose it is and which holds; and what they do with the studies that are here. */
export default function HangingPage() {
  const { t } = useTranslation('viewer')
  const { t: app } = useTranslation()
  const { permissions } = useSession()
  const protocols = useProtocols()
  const [key, setKey] = useState('')
  const items = protocols.data?.items ?? []
  const keyOf = (one: LayeredProtocol): string => `${one.layer}/${one.role}/${one.document.id}`
  const chosen = items.find((one) => keyOf(one) === key)
  return (
    <Page title={app('page.hanging')} lead={t('hanging.lead')}>
      <div className={css['page']} aria-busy={protocols.isLoading}>
        {protocols.isError && <Failed error={protocols.error} onRetry={() => void protocols.refetch()} />}
        {items.length > 0 && <Protocols items={items} chosen={chosen} onChoose={(one) => setKey(keyOf(one))} />}
        {chosen !== undefined && <Editor key={`${keyOf(chosen)}.${chosen.version}`} one={chosen} onClose={() => setKey('')} />}
        {permissions.includes('workspace.manage') && <Lint />}
      </div>
    </Page>
  )
}
