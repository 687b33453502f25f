import { createContext, useContext } from 'react'
import { type Permission, type Session } from './types'

/** The signed-in person; the shell provides it to everything below. */
export const SessionContext = createContext<Session | null>(null)

export function useSession(): Session {
  const session = useContext(SessionContext)
  if (session === null) throw new Error('useSession outside the signed-in part')
  return session
}

/** Whether the person may do this; the server asks again. */
export function useMay(permission: Permission): boolean {
  return useSession().permissions.includes(permission)
}
