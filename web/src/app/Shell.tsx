import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Outlet, useLocation } from 'react-router'
import { SessionContext } from '@/api/access'
import { ApiError, whenSignedOut } from '@/api/client'
import { keys } from '@/api/keys'
import { useStream } from '@/api/live'
import { readSession } from '@/api/session'
import { type Session } from '@/api/types'
import { SigninPage } from '@/features/signin/SigninPage'
import { setSiteZone } from '@/kit/format/instant'
import { setPerson, usePreference } from '@/kit/preferences'
import { Toasts } from '@/kit/Toasts'
import { type Density } from '@/kit/table/Table'
import { Palette } from './Palette'
import { Rail } from './Rail'
import { TopBar } from './TopBar'
import { Unreachable } from './Unreachable'
import { useViewerWarm } from './useViewerWarm'
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
  useEffect(() => {
    whenSignedOut(() => {
      // Every frame on its way is refused too: only the first refusal finds somebody here.
      if (client.getQueryData(keys.session) !== undefined) setOver(true)
      // The pages of the person who was here go with the session.
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== keys.session[0] })
      void client.resetQueries({ queryKey: keys.session })
    })
  }, [client])

  if (session.data !== undefined) return <SignedIn session={session.data} />
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

function SignedIn({ session }: { session: Session }) {
  setPerson(session.user.id)
  setSiteZone(session.site.timezone)
  const client = useQueryClient()
  const reading = useLocation().pathname.startsWith('/study/')
  useStream(client)
  useViewerWarm(!reading)
  const [density] = usePreference<Density>('density', 'roomy')
  useEffect(() => {
    document.documentElement.dataset['density'] = density
  }, [density])
  return (
    <SessionContext value={session}>
      <div className={css['shell']} data-viewer={reading || undefined}>
        <Rail />
        <TopBar />
        <div className={css['page']}>
          <Outlet />
        </div>
      </div>
      <Palette />
      <Toasts inBar={reading} />
    </SessionContext>
  )
}
