import { type QueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { create } from 'zustand'
import { tellSignedOut } from './client'
import { keys } from './keys'
import { pace } from './pace'
import { type LinkState, openStream } from './stream'
import { type StreamMessage } from './types'

interface Live {
  link: LinkState
  /** Counts studies that arrived since the window opened; the list looks when it moves. */
  arrivals: number
  /** The studies that changed last, newest first. */
  changed: readonly string[]
  /** The study whose marks changed last, and a count. */
  marked: readonly [string, number]
  /** Counts every return of a lost line: what was missed has to be read again. */
  returns: number
}

export const useLive = create<Live>(() => ({ link: 'connecting', arrivals: 0, changed: [], marked: ['', 0], returns: 0 }))

const QUIET_MS = 400
const REMEMBERED = 200

const TOUCHES: Partial<Record<StreamMessage['kind'], readonly (readonly string[])[]>> = {
  'job.changed': [keys.jobs],
  'send.changed': [keys.sends],
  'device.changed': [keys.devices],
  'quarantine.changed': [keys.quarantine],
  'alarm.changed': [keys.alarms],
  'glass.changed': [['glass']],
}

/** Turns stream messages into re-reads, at most one per list in each quiet interval. */
export function useStream(client: QueryClient, wanted = true): void {
  useEffect(() => {
    if (!wanted) return
    const { soon, stop } = pace(QUIET_MS)
    let lost = false

    const lookAgain = (): Promise<void> => {
      useLive.setState((state) => ({ returns: state.returns + 1 }))
      // The study list renews itself row by row; only one that failed is asked for as a whole.
      return client.invalidateQueries({ predicate: (query) => query.queryKey[1] !== 'list' || query.state.status === 'error' })
    }

    let greeted = false
    const onMessage = (message: StreamMessage): void => {
      if (message.kind === 'hello') {
        // A second greeting on one line means that too much happened to be told one by one.
        if (greeted) soon('everything', lookAgain)
        greeted = true
      }
      if (message.kind === 'study.arrived') {
        useLive.setState((state) => ({ arrivals: state.arrivals + 1 }))
      }
      if ((message.kind === 'study.changed' || message.kind === 'study.arrived') && 'id' in message) {
        const { id } = message
        soon(`study ${id}`, () => {
          useLive.setState((state) => ({ changed: [id, ...state.changed.filter((item) => item !== id)].slice(0, REMEMBERED) }))
          void client.invalidateQueries({ queryKey: keys.study(id) })
        })
      }
      if (message.kind === 'marks.changed') {
        const { id } = message
        soon(`marks ${id}`, () => useLive.setState((state) => ({ marked: [id, state.marked[1] + 1] })))
      }
      for (const queryKey of TOUCHES[message.kind] ?? []) {
        soon(queryKey.join(' '), () => client.invalidateQueries({ queryKey }))
      }
    }

    const close = openStream({
      message: onMessage,
      signedOut: tellSignedOut,
      state: (link) => {
        useLive.setState({ link })
        if (link === 'lost') lost = true
        if (link === 'live') greeted = false
        if (link === 'live' && lost) {
          lost = false
          void lookAgain()
        }
      },
    })
    return () => {
      close()
      stop()
    }
  }, [client, wanted])
}
