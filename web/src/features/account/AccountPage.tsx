import { useTranslation } from 'react-i18next'
import { useSession } from '@/api/access'
import { endOthers, endSession, type SignedIn, useAccount, useAccountAct } from '@/api/account'
import { Button } from '@mantine/core'
import { told } from '@/kit/act'
import { Failed } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import { Page, Section } from '@/kit/Page'
import { State } from '@/kit/State'
import { PasskeysSection } from './Passkeys'
import { PinSection } from './Pin'
import { TotpSection } from './Totp'
import css from './Account.module.css'

/** The own account: how one shows who one is, and where one is signed in. */
export function AccountPage() {
  const { t } = useTranslation()
  const account = useAccount()
  const { session } = useSession()
  return (
    <Page title={t('account.title')}>
      <div className={css['page']}>
        {session.state === 'enrolling' && (
          <p className={css['notice']} role="status">
            {t('account.wanted')}
          </p>
        )}
        {account.isError && account.data === undefined && <Failed error={account.error} onRetry={() => void account.refetch()} />}
        {account.data !== undefined && (
          <>
            <PasskeysSection account={account.data} />
            <TotpSection account={account.data} />
            <PinSection account={account.data} />
            <Sessions items={account.data.sessions} />
          </>
        )}
      </div>
    </Page>
  )
}

function Sessions({ items }: { items: readonly SignedIn[] }) {
  const { t } = useTranslation()
  const others = useAccountAct<undefined, unknown>(endOthers)
  return (
    <Section title={t('account.sessions')}>
      <ul className={css['rows']}>
        {items.map((one) => (
          <SessionRow key={one.id} one={one} />
        ))}
      </ul>
      {items.length > 1 && (
        <Button loading={others.isPending} onClick={() => others.mutate(undefined, told(t('account.ended')))}>
          {t('account.end_others')}
        </Button>
      )}
    </Section>
  )
}

/** The browser and the system that it names, without the rest of what it says. */
function browserOf(agent: string): string {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\/(\d+)/.exec(agent)
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/.exec(agent)
  return [browser === null ? '' : `${browser[1] ?? ''} ${browser[2] ?? ''}`, system?.[1] ?? ''].filter((part) => part !== '').join(' · ')
}

function SessionRow({ one }: { one: SignedIn }) {
  const { t } = useTranslation()
  const format = useFormat()
  const end = useAccountAct(endSession)
  return (
    <li className={css['row']}>
      <span className={css['what']}>
        <bdi>{browserOf(one.agent) || t('account.unknown_browser')}</bdi>
        <small>
          <bdi>{one.address}</bdi> · {t('account.since', { when: format.instant(one.created_at) })}
        </small>
      </span>
      {one.is_this === true ? (
        <State tone="ok">{t('account.this')}</State>
      ) : (
        <>
          <span>{format.relative(one.last_seen_at)}</span>
          <Button size="compact-xs" loading={end.isPending} onClick={() => end.mutate(one.id, told(t('account.ended')))}>
            {t('account.end')}
          </Button>
        </>
      )}
    </li>
  )
}
