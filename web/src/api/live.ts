import { type StreamMessage } from './types'

type Listener = (message: StreamMessage) => void

const listeners = new Set<Listener>()

/** Hears every message of the window's one live stream until the returned function is called. */
export function onStreamMessage(listener: Listener): () => void {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

/** Hands a message to everybody who listens; the shell, which owns the stream, calls it. */
export function publish(message: StreamMessage): void {
  for (const listener of [...listeners]) listener(message)
}
