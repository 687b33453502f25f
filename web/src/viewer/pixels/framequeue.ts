import { fetchBytes, type Bytes } from '@/api/bytes'

/** Smaller is sooner. */
export const PRIORITY = { display: 0, neighbour: 10, ahead: 50, rest: 100 } as const

interface Entry {
  url: string
  key: string
  priority: number
  controller: AbortController
  promise: Promise<Bytes>
  start: () => void
  started: boolean
}

/** Where a frame is read from when not from its own address, and which part of it. */
export interface Source {
  url: string
  /** First byte, and the byte behind the last when it is not the end. */
  first?: number
  end?: number
}

type Fetch = (url: string, options: { accept: string; signal: AbortSignal; priority: 'high' | 'low'; range?: string }) => Promise<Bytes>

const rangeOf = ({ first, end }: Source): string | undefined =>
  first === undefined && end === undefined ? undefined : `bytes=${first ?? 0}-${end === undefined ? '' : end - 1}`

const keyOf = (url: string, accept: string, content: string, source: Source | undefined): string =>
  `${accept} ${content} ${url} ${source === undefined ? '' : `${source.url} ${rangeOf(source) ?? ''}`}`

/** Browsers open six connections to a server over HTTP/1.1; one stays free for what the reader asks for next. */
const CONNECTIONS = 6
const MOST_KEPT = 4

/** Frames in the encoding in which they are stored, and in the one that every browser can read. */
export const AS_STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
export const AS_PLAIN = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1'

/**
 * Reads frames in the order in which they are needed: what is on screen first, neighbours next. One request per address
 * however many ask; a request that is only a guess can be dropped.
 */
export class FrameQueue {
  private readonly entries = new Map<string, Entry>()
  private readonly kept = new Map<string, Promise<Bytes>>()
  private running = 0

  constructor(private readonly fetch: Fetch = fetchBytes) {}

  /** Begins a read before the code that will use it is there; the answer is kept until it is asked for, once. */
  preload(url: string, accept: string, content: string, source?: Source, priority: number = PRIORITY.display): void {
    const key = keyOf(url, accept, content, source)
    if (this.kept.has(key)) return
    const promise = this.request(url, priority, accept, content, source)
    this.kept.set(key, promise)
    promise.catch(() => this.kept.delete(key))
    if (this.kept.size > MOST_KEPT) this.kept.delete(this.kept.keys().next().value ?? '')
  }

  /** `url` names the frame. `content` is the digest of the object: an answer that was asked for before a replacement is none for what came after. */
  request(url: string, priority: number, accept: string, content: string, source?: Source): Promise<Bytes> {
    const key = keyOf(url, accept, content, source)
    const kept = this.kept.get(key)
    if (kept !== undefined) {
      this.kept.delete(key)
      this.raise(url, priority)
      return kept
    }
    const known = this.entries.get(url)
    if (known !== undefined && known.key === key) {
      known.priority = Math.min(known.priority, priority)
      this.pump()
      return known.promise
    }
    const entry = this.makeEntry({ url, key, priority }, accept, source ?? { url })
    this.entries.set(url, entry)
    this.pump()
    return entry.promise
  }

  /** Moves a request that has not begun to the front; one that has is kept from being dropped. */
  raise(url: string, priority: number = PRIORITY.display): void {
    const entry = this.entries.get(url)
    if (entry === undefined) return
    entry.priority = Math.min(entry.priority, priority)
    this.pump()
  }

  /** Puts a request back among the guesses: the reader has scrolled past it. */
  lower(url: string): void {
    const entry = this.entries.get(url)
    if (entry !== undefined && !entry.started) entry.priority = PRIORITY.neighbour
  }

  /** Drops everything of a study that has been closed, whoever waited for it. */
  dropStudy(studyUid: string): void {
    for (const entry of [...this.entries.values()]) if (entry.url.includes(`/studies/${studyUid}/`)) entry.controller.abort()
  }

  /** Drops the guesses among these addresses: the reader has gone elsewhere. */
  dropGuesses(urls: Iterable<string>): void {
    for (const url of urls) {
      const entry = this.entries.get(url)
      if (entry !== undefined && entry.priority > PRIORITY.display) entry.controller.abort()
    }
  }

  private makeEntry({ url, key, priority }: Pick<Entry, 'url' | 'key' | 'priority'>, accept: string, source: Source): Entry {
    const controller = new AbortController()
    let begin: () => void = () => undefined
    const turn = new Promise<void>((resolve, reject) => {
      begin = resolve
      controller.signal.addEventListener('abort', () => reject(new DOMException('no longer wanted', 'AbortError')), { once: true })
    })
    const range = rangeOf(source)
    const promise = turn.then(() =>
      this.fetch(source.url, { accept, signal: controller.signal, priority: entry.priority > 0 ? 'low' : 'high', ...(range === undefined ? {} : { range }) }),
    )
    const entry: Entry = { url, key, priority, controller, promise, start: begin, started: false }
    const settle = (): void => {
      if (entry.started) this.running -= 1
      if (this.entries.get(url) === entry) this.entries.delete(url)
      this.pump()
    }
    promise.then(settle, settle)
    return entry
  }

  private pump(): void {
    const waiting = [...this.entries.values()].filter((entry) => !entry.started && !entry.controller.signal.aborted)
    waiting.sort((a, b) => a.priority - b.priority)
    for (const entry of waiting) {
      if (this.running >= (entry.priority > PRIORITY.display ? CONNECTIONS - 1 : CONNECTIONS)) return
      entry.started = true
      this.running += 1
      entry.start()
    }
  }
}

export const frameQueue = new FrameQueue()
