import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useState } from 'react'
import { Outlet, useLocation } from 'react-router'
import { SessionContext } from '@/api/access'
import { ApiError, whenLocked, whenSignedOut } from '@/api/client'
import { keys } from '@/api/keys'
import { useStream } from '@/api/live'
import { readSession } from '@/api/session'
import { type Session } from '@/api/types'
import { AccountPage } from '@/features/account/AccountPage'
import { SigninPage } from '@/features/signin/SigninPage'
import { setSiteZone } from '@/kit/format/instant'
import { setPerson, usePreference } from '@/kit/preferences'
import { Toasts } from '@/kit/Toasts'
import { type Density } from '@/kit/table/Table'
import { Lock } from './Lock'
import { Palette } from './Palette'
import { Rail } from './Rail'
import { StepUp } from './StepUp'
import { TopBar } from './TopBar'
import { Unreachable } from './Unreachable'
import { useIdle } from './useIdle'
import { useLeftovers } from './useLeftovers'
import { useViewerWarm } from './useViewerWarm'
import lockCss from './Lock.module.css'
import css from './Shell.module.css'

/** A server that starts is there in seconds. */
const AGAIN_MS = 3_000

/** The signed-in part: asks who is here, and shows the sign-in page in place until somebody is. */
export function Shell() {
  const client = useQueryClient()
  const session = useQuery({
    queryKey: keys.session,
    queryFn: ({ signal }) => readSession(signal),
    staleTime: Infinity,
    retry: (count, error) => count < 5 && error instanceof ApiError && error.status !== 401 && error.status !== 403,
    refetchInterval: (query) => (query.state.status === 'error' && query.state.error instanceof ApiError && query.state.error.offline ? AGAIN_MS : false),
  })
  const [over, setOver] = useState(false)
  const look = useCallback(() => void client.invalidateQueries({ queryKey: keys.session }), [client])
  useEffect(() => {
    whenSignedOut(() => {
      // Every frame on its way is refused too: only the first refusal finds somebody here.
      if (client.getQueryData(keys.session) !== undefined) setOver(true)
      // The pages of the person who was here go with the session.
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== keys.session[0] })
      void client.resetQueries({ queryKey: keys.session })
    })
    whenLocked(look)
  }, [client, look])

  if (session.data !== undefined) return <SignedIn session={session.data} look={look} />
  if (session.isError) {
    if (session.error instanceof ApiError && session.error.status === 401) {
      const enter = (value: Session): void => {
        setOver(false)
        client.setQueryData(keys.session, value)
      }
      return <SigninPage over={over} onSession={enter} />
    }
    return <Unreachable error={session.error} onRetry={() => void session.refetch()} />
  }
  return <div className={css['blank']} aria-busy="true" />
}

function SignedIn({ session, look }: { session: Session; look: () => void }) {
  setPerson(session.user.id)
  setSiteZone(session.site.timezone)
  const client = useQueryClient()
  const reading = useLocation().pathname.startsWith('/study/')
  const { state } = session.session
  useIdle(session.session, look)
  useStream(client, state === 'open')
  useViewerWarm(!reading && session.permissions.includes('study.read'))
  useLeftovers(session.user.id, state === 'open' && session.permissions.includes('study.mark'))
  const [density] = usePreference<Density>('density', 'roomy')
  useEffect(() => {
    document.documentElement.dataset['density'] = density
  }, [density])
  return (
    <SessionContext value={session}>
      {/* What was open stays as it is behind the lock, where nobody sees or reaches it. */}
      <div className={lockCss['behind']} inert={state === 'locked'}>
        <div className={css['shell']} data-viewer={reading || undefined}>
          {state !== 'enrolling' && <Rail />}
          <TopBar />
          <div className={css['page']}>{state === 'enrolling' ? <AccountPage /> : <Outlet />}</div>
        </div>
        {state === 'open' && <Palette />}
        <Toasts inBar={reading} />
      </div>
      {state === 'locked' ? <Lock session={session} /> : <StepUp />}
    </SessionContext>
  )
}
