import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { request } from './client'
import { keys } from './keys'
import { type KeyStep, type MakeOptions, makeKey } from './webauthn'

export interface Passkey {
  id: string
  name: string
  is_synced: boolean
  site: string
  created_at: string
  last_used_at: string | null
}

export interface SignedIn {
  id: string
  way: string
  agent: string
  address: string
  created_at: string
  last_seen_at: string
  expires_at: string
  is_locked: boolean
  is_this?: boolean
}

export interface Account {
  has_password: boolean
  has_pin: boolean
  totp_since: string | null
  recovery_left: number
  passkeys: Passkey[]
  sessions: SignedIn[]
  second_factor: 'optional' | 'required'
  passkeys_possible: boolean
}

export interface TotpStep {
  step: string
  secret: string
  uri: string
  /** The rows of the QR code, 1 for dark. */
  qr: string[]
}

export const useAccount = () => useQuery({ queryKey: keys.account, queryFn: ({ signal }) => request<Account>('GET', '/api/account', undefined, signal) })

/** An act on the own account; what it changed is read again. */
export function useAccountAct<V, R>(run: (value: V) => Promise<R>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: run,
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.account })
      void client.invalidateQueries({ queryKey: keys.session })
    },
  })
}

export const beginTotp = (): Promise<TotpStep> => request('POST', '/api/account/totp')
export const confirmTotp = (body: { step: string; code: string }): Promise<{ recovery_codes: string[] }> => request('POST', '/api/account/totp/confirm', body)
export const removeTotp = (): Promise<undefined> => request('DELETE', '/api/account/totp')
export const makeRecoveryCodes = (): Promise<{ recovery_codes: string[] }> => request('POST', '/api/account/recovery')
export const setPin = (pin: string): Promise<void> => request('PUT', '/api/account/pin', { pin })
export const removePin = (): Promise<undefined> => request('DELETE', '/api/account/pin')
export const removePasskey = (id: string): Promise<void> => request('DELETE', `/api/account/passkeys/${id}`)
export const endSession = (id: string): Promise<void> => request('DELETE', `/api/account/sessions/${id}`)
export const endOthers = (): Promise<{ ended: number }> => request('DELETE', '/api/account/sessions')

export async function addPasskey(name: string): Promise<void> {
  const { step, options } = await request<KeyStep<MakeOptions>>('POST', '/api/account/passkeys/start')
  await request('POST', '/api/account/passkeys', { step, name, answer: await makeKey(options) })
}

export const resetFactors = (id: string): Promise<{ link: string }> => request('POST', `/api/users/${id}/reset`)
export const endSessionsOf = (id: string): Promise<{ ended: number }> => request('DELETE', `/api/users/${id}/sessions`)

export interface PeopleImported {
  done: boolean
  items: { line: number; name: string; outcome: 'new' | 'changed' | 'same'; changes: string[]; link: string | null }[]
  problems: { line: number; column: string; code: string; message: string }[]
}

/** A list of people from a CSV file; as a dry run it only says what would be done. */
export async function importPeople(file: Blob, dryRun: boolean): Promise<PeopleImported> {
  return request('POST', '/api/users/import', { file: await base64Of(file), dry_run: dryRun })
}

function base64Of(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(typeof reader.result === 'string' ? reader.result.slice(reader.result.indexOf(',') + 1) : '')
    reader.onerror = () => reject(reader.error ?? new Error('the file cannot be read'))
    reader.readAsDataURL(file)
  })
}

export const addStation = (name: string): Promise<{ id: string; link: string }> => request('POST', '/api/stations', { name })
export const readSessionsOf = (id: string, signal?: AbortSignal): Promise<{ items: SignedIn[] }> => request('GET', `/api/users/${id}/sessions`, undefined, signal)
export const endSessionOf = ({ user, which }: { user: string; which: string }): Promise<undefined> => request('DELETE', `/api/users/${user}/sessions/${which}`)
