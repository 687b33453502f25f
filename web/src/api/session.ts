import { request, setCsrf } from './client'
import { type Session } from './types'
import { type KeyStep, type SignOptions, signWithKey } from './webauthn'

export type Way = 'passkey' | 'pin' | 'totp' | 'recovery' | 'password'

/** The first factor was right; the second is asked for. */
export interface HalfWay {
  second: { step: string; ways: Way[]; passkey: KeyStep<SignOptions> | null }
}

/** What shows who one is. */
export interface Proof {
  way: Way
  value?: string
  step?: string
  answer?: unknown
}

export interface Ways {
  passkey: boolean
  oidc: { name: string; start: string } | null
}

function keep(session: Session): Session {
  setCsrf(session.csrf)
  return session
}

function came(answer: Session | HalfWay): Session | HalfWay {
  return 'second' in answer ? answer : keep(answer)
}

export async function readSession(signal?: AbortSignal): Promise<Session> {
  return keep(await request<Session>('GET', '/api/session', undefined, signal))
}

export const readWays = (): Promise<Ways> => request<Ways>('GET', '/api/session/ways')

export async function signIn(name: string, password: string): Promise<Session | HalfWay> {
  return came(await request<Session | HalfWay>('POST', '/api/session', { name, password }))
}

export async function signInByLink(link: string): Promise<Session | HalfWay> {
  return came(await request<Session | HalfWay>('POST', '/api/session/link', { link }))
}

export async function signInSecond(second: string, proof: Proof): Promise<Session> {
  return keep(await request<Session>('POST', '/api/session/second', { ...proof, second }))
}

/** A passkey alone. Throws what the browser throws when the person turns away. */
export async function signInByPasskey(): Promise<Session> {
  const { step, options } = await request<KeyStep<SignOptions>>('POST', '/api/session/passkey/start')
  return keep(await request<Session>('POST', '/api/session/passkey', { step, answer: await signWithKey(options) }))
}

/** The device's answer, as a proof inside a session. */
export async function passkeyProof(): Promise<Proof> {
  const { step, options } = await request<KeyStep<SignOptions>>('POST', '/api/session/prove/passkey')
  return { way: 'passkey', step, answer: await signWithKey(options) }
}

export async function prove(proof: Proof): Promise<Session> {
  return keep(await request<Session>('POST', '/api/session/prove', proof))
}

/** Between the window that waits for a proof and the small one in which the provider asks for it. */
const PROOFS = 'heliograph.proof'

/** The small window is back from the provider. */
export function tellProof(given: boolean): void {
  const channel = new BroadcastChannel(PROOFS)
  channel.postMessage(given)
  channel.close()
}

/** Calls back whenever a small window came back; the server knows whether it is so. */
export function whenProved(listener: (given: boolean) => void): () => void {
  const channel = new BroadcastChannel(PROOFS)
  channel.onmessage = (message: MessageEvent<unknown>) => listener(message.data === true)
  return () => channel.close()
}

/** Opens the small window in which the provider asks once more who it is; false when the browser does not let it. */
export const askProvider = (): boolean => window.open('/api/session/oidc/prove', 'heliograph-proof', 'popup,width=520,height=720') !== null

export async function unlock(proof: Proof): Promise<Session> {
  return keep(await request<Session>('POST', '/api/session/unlock', proof))
}

export async function lock(): Promise<Session> {
  return keep(await request<Session>('POST', '/api/session/lock'))
}

/** Somebody moved something here. */
export const tellActive = (): Promise<void> => request('POST', '/api/session/active')

/** Leads to a file that wants a fresh proof: asks for the proof first, because a link cannot. */
export async function download(address: string): Promise<void> {
  await request('POST', '/api/session/fresh')
  location.assign(address)
}

export async function signOut(): Promise<void> {
  await request('DELETE', '/api/session')
  setCsrf('')
}

/** Where the window goes after signing out: whoever came by another house signs out there too. */
export const leavingTo = (way: string): string => (way === 'oidc' ? '/api/session/oidc/end' : '/')

export async function setPassword(next: string, current?: string): Promise<void> {
  await request('POST', '/api/session/password', current === undefined ? { new: next } : { current, new: next })
}
