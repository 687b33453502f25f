import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { IconLink } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/api/access'
import { endSessionOf, endSessionsOf, readSessionsOf, resetFactors } from '@/api/account'
import { keys } from '@/api/keys'
import { makeUserLink } from '@/api/lists'
import { useUserDetail } from '@/api/trust'
import { type User } from '@/api/types'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import { Failed } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { Facts, Section } from '@/kit/Page'
import { State } from '@/kit/State'
import css from './Users.module.css'

/** How a person comes in, where it is signed in now, and the way back for who lost a phone. */
export function UserSignIn({ user }: { user: User }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const format = useFormat()
  const me = useSession().user.id
  const client = useQueryClient()
  const renew = (): void => void client.invalidateQueries({ queryKey: keys.users })
  const detail = useUserDetail(user.id)
  const link = useMutation({ mutationFn: makeUserLink })
  const reset = useMutation({ mutationFn: resetFactors, onSuccess: renew })
  const code = reset.data?.link ?? link.data?.link
  const own = user.id === me
  const factors = [user.has_totp ? t('person.app') : '', user.passkeys > 0 ? t('person.passkeys', { n: user.passkeys }) : ''].filter(Boolean)
  return (
    <>
      <Section title={t('person.factors')}>
        <Facts
          items={[
            [t('person.second'), user.must_enrol ? <State key="must" tone="waiting">{t('person.must_enrol')}</State> : factors.length > 0 ? factors.join(', ') : t('person.no_second')],
            [t('person.recovery'), factors.length > 0 ? format.count(user.recovery_left) : ''],
            [t('person.directory'), user.directory],
            [t('person.last_signed_in'), detail.data === undefined ? '' : format.instant(detail.data.last_signed_in_at) || app('users.never')],
            [t('person.guessing'), detail.data?.is_shut_out === true ? <State key="shut" tone="warning">{t('person.shut_out')}</State> : ''],
          ]}
        />
        {user.kind === 'person' && (
          <div className={`${form['buttons'] ?? ''} ${form['gap'] ?? ''}`}>
            <Button leftSection={<IconLink size={14} />} loading={link.isPending} onClick={() => link.mutate(user.id, { onError: told().onError })}>
              {app('users.make_link')}
            </Button>
            {!own && user.directory === '' && (
              <Confirm question={t('person.reset_sure')} confirm={app('users.reset')} busy={reset.isPending} onConfirm={() => reset.mutate(user.id, told(app('users.reset_done')))}>
                {app('users.reset')}
              </Confirm>
            )}
          </div>
        )}
        {own && <p className={form['quiet']}>{t('person.own')}</p>}
        {code !== undefined && (
          <div role="status" className={form['gap']}>
            <p className={form['quiet']}>{app('users.link_hint')}</p>
            <code className={form['secret']}>{`${location.origin}/signin#link=${code}`}</code>
          </div>
        )}
      </Section>
      <Sessions user={user} own={own} />
    </>
  )
}

function Sessions({ user, own }: { user: User; own: boolean }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const format = useFormat()
  const client = useQueryClient()
  const renew = (): void => void client.invalidateQueries({ queryKey: keys.users })
  const sessions = useQuery({ queryKey: [...keys.users, user.id, 'sessions'], queryFn: ({ signal }) => readSessionsOf(user.id, signal) })
  const end = useMutation({ mutationFn: endSessionOf, onSuccess: renew })
  const endAll = useMutation({ mutationFn: endSessionsOf, onSuccess: renew })
  const items = sessions.data?.items ?? []
  return (
    <Section title={t('person.sessions')}>
      {sessions.isError && <Failed error={sessions.error} onRetry={() => void sessions.refetch()} />}
      {sessions.data !== undefined && items.length === 0 && <p className={form['quiet']}>{t('person.no_sessions')}</p>}
      <ul className={css['lines']}>
        {items.map((one) => (
          <li key={one.id} className={css['row']}>
            <span className={css['what']}>
              <bdi>{one.address}</bdi>
              {one.is_locked && <State tone="stopped">{t('person.locked')}</State>}
              <small title={one.agent}>{t('person.session_line', { from: format.instant(one.created_at), seen: format.relative(one.last_seen_at) })}</small>
            </span>
            {!own && (
              <Button size="compact-xs" onClick={() => end.mutate({ user: user.id, which: one.id }, told(app('account.ended')))}>
                {t('person.end_session')}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {items.length > 1 && !own && (
        <Button loading={endAll.isPending} onClick={() => endAll.mutate(user.id, told(app('account.ended')))}>
          {app('users.end_sessions', { count: items.length })}
        </Button>
      )}
    </Section>
  )
}
