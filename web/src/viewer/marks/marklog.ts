import { createStore, type StoreApi } from 'zustand/vanilla'
import { ApiError } from '@/api/client'
import { readMarks, sendMarks, type KeptMark, type MarkBody, type MarkEvent } from '@/api/marks'
import { type Queue, type Waiting } from './queue'

/** `local`: the person may look but not keep; `refused`: the server will not take something of it. */
export type Keeping = 'kept' | 'sending' | 'waiting' | 'local' | 'refused'

/** A mark as this window knows it: the server's, under what was changed here since. */
export interface KnownMark {
  id: string
  version: number
  event: string
  body: MarkBody | null
  doubt: string
  /** Empty for one's own that has not been kept yet. */
  drawnBy: string
}

export interface MarkState {
  marks: ReadonlyMap<string, KnownMark>
  keeping: Keeping
  /** Changes that the server has not confirmed. */
  waiting: number
}

/** What the log needs of the world; the server's two doors are the usual ones. */
export interface Surroundings {
  queue: Queue
  user: string
  mayKeep: boolean
  read?: typeof readMarks
  send?: typeof sendMarks
  /** Milliseconds until a change is sent, and until one that failed is sent again for the first time. */
  soonMs?: number
  againMs?: number
}

const PORTION = 200
const LONGEST_WAIT_MS = 30_000
/** Signed out, timed out, asked too often: the person or the line comes back. */
const PASSING = new Set([401, 408, 429])

/** The later version holds; of two with one number the one whose change has the higher identifier. */
export function isNewer(a: { version: number; event: string }, b: { version: number; event: string }): boolean {
  return a.version !== b.version ? a.version > b.version : a.event > b.event
}

const isEcho = (known: KnownMark | undefined, mark: KnownMark): boolean =>
  known !== undefined && known.event === mark.event && known.doubt === mark.doubt && known.drawnBy === mark.drawnBy

const knownMark = ({ id, version, event, body, doubt, drawn_by }: KeptMark): KnownMark => ({ id, version, event, body, doubt, drawnBy: drawn_by })

/** No answer, or one that says nothing about what was sent. */
export const isPassing = (error: unknown): boolean =>
  !(error instanceof ApiError) || error.offline || error.status >= 500 || PASSING.has(error.status) || error.code === 'locked'

/**
 * The marks of one study: what is drawn here is first written down in the browser, then sent until the server has it. Nothing is shown as
 * kept before that, and a change that arrives twice counts once.
 */
export class MarkLog {
  readonly store: StoreApi<MarkState>
  private readonly waiting = new Map<string, Waiting>()
  private last = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private failures = 0
  private sending = false
  private stopped = false
  private wantsRead = false

  constructor(
    readonly studyId: string,
    private readonly around: Surroundings,
  ) {
    this.store = createStore<MarkState>(() => ({ marks: new Map(), keeping: around.mayKeep ? 'kept' : 'local', waiting: 0 }))
  }

  get state(): MarkState {
    return this.store.getState()
  }

  /** What waits from an earlier visit comes first, then what the server has. */
  async start(): Promise<void> {
    const left = this.around.mayKeep ? await this.around.queue.of(this.around.user, this.studyId).catch(() => []) : []
    for (const one of left) this.waiting.set(one.event.id, one)
    this.take(left.map(({ event }) => ({ id: event.mark, version: event.version, event: event.id, body: event.body, doubt: '', drawnBy: '' })))
    this.tell()
    await this.look()
    this.soon(0)
  }

  /** The case is left: nothing is read any more; what waits is still sent. */
  stop(): void {
    this.stopped = true
    this.soon(0)
  }

  private isOver(): boolean {
    return this.stopped
  }

  /** Reads what others have drawn since; what fails is asked for again with the next change or return. */
  async look(): Promise<void> {
    if (this.isOver()) return
    try {
      const { items, last } = await (this.around.read ?? readMarks)(this.studyId, this.last)
      if (this.isOver()) return
      this.take(items.map(knownMark))
      this.last = Math.max(this.last, last)
      this.wantsRead = false
      this.tell()
    } catch {
      this.wantsRead = true
    }
  }

  /** The line is back. */
  again(): void {
    this.failures = 0
    if (this.wantsRead) void this.look()
    this.soon(0)
  }

  /** Draws, changes or (without a body) takes away a mark. Written down in the browser before it is sent. */
  put(id: string, body: MarkBody | null): void {
    const known = this.state.marks.get(id)
    const event: MarkEvent = { id: crypto.randomUUID(), mark: id, version: (known?.version ?? 0) + 1, at: new Date().toISOString(), body }
    this.take([{ id, version: event.version, event: event.id, body, doubt: '', drawnBy: known?.drawnBy ?? '' }])
    if (this.around.mayKeep) {
      const waiting = { event, user: this.around.user, study: this.studyId }
      this.waiting.set(event.id, waiting)
      // Where the browser gives no room the change lives in this window until it is sent.
      void this.around.queue.add([waiting]).catch(() => undefined)
      this.soon(this.around.soonMs ?? 250)
    }
    this.tell()
  }

  /** Those that are newer than what is known, told at once. */
  private take(items: readonly KnownMark[]): void {
    const marks = new Map(this.state.marks)
    const fresh = items.filter((mark) => {
      const known = marks.get(mark.id)
      // One's own change that comes back brings what the server thinks of it.
      const isNews = known === undefined || !isNewer(known, mark)
      if (isNews && !isEcho(known, mark)) marks.set(mark.id, mark)
      return isNews && !isEcho(known, mark)
    })
    if (fresh.length > 0) this.store.setState({ marks })
  }

  private soon(ms: number): void {
    clearTimeout(this.timer)
    if (this.waiting.size === 0) return
    this.timer = setTimeout(() => void this.flush(), ms)
  }

  private async flush(): Promise<void> {
    if (this.sending || this.waiting.size === 0) return
    this.sending = true
    const portion = [...this.waiting.values()].slice(0, PORTION)
    this.tell()
    try {
      await (this.around.send ?? sendMarks)(
        this.studyId,
        portion.map(({ event }) => event),
      )
      this.failures = 0
      await this.confirm(portion)
    } catch (error) {
      if (!isPassing(error)) await this.setAside(portion, error)
      else this.failures += 1
    } finally {
      this.sending = false
      this.tell()
      this.soon(this.failures === 0 ? 0 : Math.min(LONGEST_WAIT_MS, (this.around.againMs ?? 1000) * 2 ** (this.failures - 1)))
    }
  }

  private async confirm(portion: readonly Waiting[]): Promise<void> {
    for (const { event } of portion) this.waiting.delete(event.id)
    await this.around.queue.remove(portion.map(({ event }) => event.id)).catch(() => undefined)
    await this.look()
  }

  /** One that is refused must not hold up the others: each is sent alone once, and what is refused alone stays in the browser, and is told. */
  private async setAside(portion: readonly Waiting[], error: unknown): Promise<void> {
    if (portion.length === 1) {
      this.refused = error
      for (const { event } of portion) this.waiting.delete(event.id)
      return
    }
    for (const one of portion) {
      try {
        await (this.around.send ?? sendMarks)(this.studyId, [one.event])
        await this.confirm([one])
      } catch (reason) {
        if (isPassing(reason)) {
          this.failures += 1
          return
        }
        this.refused = reason
        this.waiting.delete(one.event.id)
      }
    }
  }

  /** Why the server did not take something; it stays on the screen of this window and in the browser. */
  refused: unknown

  private tell(): void {
    const waiting = this.waiting.size
    const { mayKeep } = this.around
    const now: Keeping = this.sending ? 'sending' : this.failures > 0 ? 'waiting' : 'sending'
    const keeping: Keeping = !mayKeep ? 'local' : waiting > 0 ? now : this.refused === undefined ? 'kept' : 'refused'
    if (keeping !== this.state.keeping || waiting !== this.state.waiting) this.store.setState({ keeping, waiting })
  }
}
