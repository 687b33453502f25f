import { ApiError, errorFrom, tellSignedOut } from './client'

export interface Bytes {
  contentType: string
  bytes: Uint8Array<ArrayBuffer>
}

export interface BytesOptions {
  accept?: string
  signal?: AbortSignal
  /** Hint to the browser's scheduler: what the reader looks at comes before what may be looked at. */
  priority?: 'high' | 'low' | 'auto'
  /** Value of a Range header. */
  range?: string
}

/** Reads something that is not JSON: a frame, a LUT, a document. */
export async function fetchBytes(url: string, options: BytesOptions = {}): Promise<Bytes> {
  let response: Response
  try {
    response = await fetch(url, {
      credentials: 'same-origin',
      headers: {
        ...(options.accept === undefined ? {} : { Accept: options.accept }),
        ...(options.range === undefined ? {} : { Range: options.range }),
      },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.priority === undefined ? {} : { priority: options.priority }),
    })
  } catch (cause) {
    if (options.signal?.aborted === true) throw cause
    throw new ApiError(0, 'offline', 'The server does not answer', '')
  }
  if (response.status === 401) tellSignedOut()
  if (!response.ok) throw errorFrom(response.status, await problemOf(response))
  const bytes = new Uint8Array(await response.arrayBuffer())
  return { contentType: response.headers.get('Content-Type') ?? 'application/octet-stream', bytes }
}

async function problemOf(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    return undefined
  }
}
