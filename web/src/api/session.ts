import { request, setCsrf } from './client'
import { type Session } from './types'

function keep(session: Session): Session {
  setCsrf(session.csrf)
  return session
}

export async function readSession(signal?: AbortSignal): Promise<Session> {
  return keep(await request<Session>('GET', '/api/session', undefined, signal))
}

export async function signIn(name: string, password: string): Promise<Session> {
  return keep(await request<Session>('POST', '/api/session', { name, password }))
}

export async function signInByLink(link: string): Promise<Session> {
  return keep(await request<Session>('POST', '/api/session/link', { link }))
}

export async function signOut(): Promise<void> {
  await request('DELETE', '/api/session')
  setCsrf('')
}

export async function setPassword(next: string, current?: string): Promise<void> {
  await request('POST', '/api/session/password', current === undefined ? { new: next } : { current, new: next })
}
