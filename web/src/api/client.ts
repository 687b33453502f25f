import i18next from 'i18next'
import { takeEarly } from './early'
import { type Problem } from './types'

/** What the server (or the line to it) answered instead of the thing that was asked for. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
  ) {
    super(sentence(code, title, detail))
    this.name = 'ApiError'
  }

  /** True when no answer came at all, so that the cause is the line or the server's state. */
  get offline(): boolean {
    return this.status === 0
  }
}

/** What to tell a person: the translated sentence of the code, else the server's own. */
function sentence(code: string, title: string, detail: string): string {
  const key = `problem.${code}`
  if (i18next.exists(key)) return (i18next.t as (name: string) => string)(key)
  const text = detail === '' ? title : detail
  return text.charAt(0).toLocaleUpperCase() + text.slice(1)
}

let csrf = ''
let onSignedOut: () => void = () => undefined

/** Keeps the token that every request other than GET must carry. */
export function setCsrf(token: string): void {
  csrf = token
}

/** Names who is told when the server says that the session is over. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener
}

let onLocked: () => void = () => undefined
let onStepUp: () => Promise<boolean> = () => Promise.resolve(false)

/** Names who is told when the server says that the screen is locked, or that a second factor is wanted first. */
export function whenLocked(listener: () => void): void {
  onLocked = listener
}

/** Names who asks the person for a fresh proof; true when it was given. */
export function whenStepUp(asker: () => Promise<boolean>): void {
  onStepUp = asker
}

/** The server said to somebody else than {@link request} that nobody is signed in. */
export function tellSignedOut(): void {
  onSignedOut()
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'

function isProblem(value: unknown): value is Partial<Problem> {
  return typeof value === 'object' && value !== null && ('title' in value || 'detail' in value || 'code' in value)
}

/** Turns a failed answer into an error, whatever its body is. */
export function errorFrom(status: number, body: unknown): ApiError {
  if (isProblem(body)) {
    const detail = typeof body.detail === 'string' ? body.detail : ''
    return new ApiError(status, body.code ?? `http.${status}`, body.title ?? `HTTP ${status}`, detail)
  }
  return new ApiError(status, `http.${status}`, `HTTP ${status}`, '')
}

function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Sends one request and gives the parsed body, or throws an {@link ApiError}. An act that wants a fresh proof asks for it and is sent again. */
export async function request<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return withProof(async () => {
    const early = method === 'GET' ? await takeEarly(path) : undefined
    if (early !== undefined) {
      signal?.throwIfAborted()
      return early as T
    }
    return parse(await requestOnce(method, path, body, signal)) as T
  })
}

/** The same for an answer that is a text and no JSON. */
export async function requestText(method: Method, path: string, body?: unknown): Promise<string> {
  return withProof(() => requestOnce(method, path, body, undefined, 'text/csv, application/problem+json'))
}

async function withProof<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error
    if (error.code === 'locked' || error.code === 'second_factor_wanted') onLocked()
    if (error.code !== 'step_up_needed' || !(await onStepUp())) throw error
    return send()
  }
}

async function requestOnce(method: Method, path: string, body?: unknown, signal?: AbortSignal, accept = 'application/json'): Promise<string> {
  const headers: Record<string, string> = { Accept: accept }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (method !== 'GET' && csrf !== '') headers['X-CSRF-Token'] = csrf
  let response: Response
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (cause) {
    if (signal?.aborted === true) throw cause
    throw new ApiError(0, 'offline', 'The server does not answer', '')
  }
  // A table keeps its byte order mark, without which spreadsheets misread it.
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(await response.arrayBuffer())
  if (!response.ok) {
    if (response.status === 401 && !path.startsWith('/api/session')) onSignedOut()
    throw errorFrom(response.status, parse(text))
  }
  return text
}

export interface UploadProgress {
  sent: number
  total: number
}

/** Sends files as one multipart form; XMLHttpRequest because fetch reports no upload progress. */
export function upload<T>(
  path: string,
  files: readonly { name: string; file: Blob }[],
  onProgress: (progress: UploadProgress) => void,
  signal?: AbortSignal,
): Promise<T> {
  const form = new FormData()
  for (const { name, file } of files) form.append('file', file, name)
  return new Promise<T>((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    xhr.open('POST', path)
    xhr.setRequestHeader('Accept', 'application/json')
    if (csrf !== '') xhr.setRequestHeader('X-CSRF-Token', csrf)
    xhr.upload.onprogress = (event) => onProgress({ sent: event.loaded, total: event.total })
    xhr.onload = () => {
      const answer = parse(xhr.responseText)
      if (xhr.status >= 200 && xhr.status < 300) resolve(answer as T)
      else reject(errorFrom(xhr.status, answer))
    }
    xhr.onerror = () => reject(new ApiError(0, 'offline', 'The server does not answer', ''))
    xhr.onabort = () => reject(new DOMException('upload cancelled', 'AbortError'))
    signal?.addEventListener('abort', () => xhr.abort(), { once: true })
    xhr.send(form)
  })
}
