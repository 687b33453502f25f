import { type StreamMessage } from './types'

export type LinkState = 'connecting' | 'live' | 'lost'

export interface StreamHandlers {
  message: (message: StreamMessage) => void
  state: (state: LinkState) => void
  /** The session is over: only a person can open the line again. */
  signedOut: () => void
}

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 5_000
/** The server's word for "nobody is signed in here". */
const NOT_SIGNED_IN = 4401

/** Waiting time before attempt `n` (0 = first retry), without the jitter. */
export function backOff(attempt: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt)
}

export function parseMessage(data: unknown): StreamMessage | null {
  if (typeof data !== 'string') return null
  try {
    const value = JSON.parse(data) as unknown
    if (typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string') {
      return value as StreamMessage
    }
  } catch {
    return null
  }
  return null
}

/** Keeps one WebSocket to `/api/stream` open until the returned function is called. */
export function openStream(handlers: StreamHandlers): () => void {
  let socket: WebSocket | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let attempt = 0
  let closed = false

  const connect = (): void => {
    handlers.state(attempt === 0 ? 'connecting' : 'lost')
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:'
    socket = new WebSocket(`${scheme}//${location.host}/api/stream`)
    socket.onopen = () => {
      attempt = 0
      handlers.state('live')
    }
    socket.onmessage = (event: MessageEvent) => {
      const message = parseMessage(event.data)
      if (message !== null) handlers.message(message)
    }
    socket.onclose = (event: CloseEvent) => {
      if (closed) return
      handlers.state('lost')
      if (event.code === NOT_SIGNED_IN) {
        handlers.signedOut()
        return
      }
      // Many windows lose the line in the same moment; the jitter keeps them from returning in one.
      timer = setTimeout(connect, backOff(attempt) * (0.5 + Math.random() / 2))
      attempt += 1
    }
  }

  const retryNow = (): void => {
    if (closed || socket?.readyState === WebSocket.OPEN || socket?.readyState === WebSocket.CONNECTING) return
    clearTimeout(timer)
    connect()
  }

  connect()
  window.addEventListener('online', retryNow)
  return () => {
    closed = true
    clearTimeout(timer)
    window.removeEventListener('online', retryNow)
    socket?.close()
  }
}
