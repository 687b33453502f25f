import { createStore, type StoreApi } from 'zustand/vanilla'
import { useLive } from '@/api/live'
import { type MarkBody } from '@/api/marks'
import { type Frame } from '@/dicom/series'
import { type Drawing } from '../state/desk'
import { type OpenStudy } from '../state/studies'
import { History, type Change } from './history'
import { MarkLog, type Keeping, type KnownMark } from './marklog'
import { BrowserQueue, type Queue } from './queue'
import { theReader } from './reader'

/** How long a hand may rest before what it drags is written down. */
const REST_MS = 150
const NEAR_PX = 1e-4

export interface MarkDeskState {
  marks: readonly PlacedMark[]
  keeping: Keeping
  waiting: number
}

/** The same object as long as nothing about the mark has changed. */
export interface PlacedMark {
  studyId: string
  mark: KnownMark
  body: MarkBody
}

interface Opened {
  log: MarkLog
  studyUid: string
  frames: ReadonlyMap<string, Frame>
  /** What the frames were made of, to see that they have changed. */
  series: OpenStudy['series']
}

/** Whether two bodies say the same; the way to the screen and back moves a point by rounding only. */
export function isSame(a: MarkBody | null | undefined, b: MarkBody | null | undefined): boolean {
  if (a === null || a === undefined || b === null || b === undefined) return a === b
  return (
    a.kind === b.kind &&
    a.label === b.label &&
    a.image.sop_uid === b.image.sop_uid &&
    a.image.frame === b.image.frame &&
    a.points.length === b.points.length &&
    a.points.every(([x, y], index) => Math.hypot(x - (b.points[index]?.[0] ?? Infinity), y - (b.points[index]?.[1] ?? Infinity)) < NEAR_PX)
  )
}

const place = (sopUid: string, frame: number): string => `${sopUid}/${frame}`

function framesOf(study: OpenStudy): Map<string, Frame> {
  const found = new Map<string, Frame>()
  for (const { stacks } of study.series) {
    for (const stack of stacks) {
      if (stack.kind === 'images') for (const frame of stack.frames) found.set(place(frame.sopUid, frame.number), frame)
    }
  }
  return found
}

/** The marks of the studies on the desk, between the hand that draws, the log of each study, and the drawing library. */
export class MarkDesk {
  readonly store: StoreApi<MarkDeskState> = createStore<MarkDeskState>(() => ({ marks: [], keeping: 'kept', waiting: 0 }))
  private readonly opened = new Map<string, Opened>()
  private readonly history = new History()
  private drawing: Drawing | undefined
  private readonly ends: (() => void)[] = []
  private resting: ReturnType<typeof setTimeout> | undefined
  private stopped = false

  constructor(private readonly queue: Queue = new BrowserQueue()) {
    this.ends.push(
      useLive.subscribe((now, before) => {
        if (now.returns !== before.returns) for (const { log } of this.opened.values()) log.again()
        if (now.marked !== before.marked) void this.opened.get(now.marked[0])?.log.look()
      }),
    )
  }

  /** The studies that are on the desk now, with the series of which something is known. */
  setStudies(studies: readonly OpenStudy[]): void {
    for (const study of studies) {
      const known = this.opened.get(study.row.id)
      if (known?.series === study.series) continue
      const log = known?.log ?? this.begin(study.row.id)
      this.opened.set(study.row.id, { log, studyUid: study.row.study_uid, frames: framesOf(study), series: study.series })
    }
    for (const [id, { log }] of this.opened) {
      if (studies.some(({ row }) => row.id === id)) continue
      log.stop()
      this.opened.delete(id)
    }
    this.showSoon()
  }

  private begin(studyId: string): MarkLog {
    const reader = theReader()
    const log = new MarkLog(studyId, { queue: this.queue, user: reader.id, mayKeep: reader.mayKeep })
    log.store.subscribe(this.showSoon)
    void log.start()
    return log
  }

  /** The drawing library is there. */
  attach(drawing: Drawing): void {
    this.drawing = drawing
    this.ends.push(drawing.onMarks(() => this.soon()))
    this.show()
  }

  stop(): void {
    clearTimeout(this.resting)
    this.read()
    this.stopped = true
    for (const end of this.ends) end()
    for (const { log } of this.opened.values()) log.stop()
  }

  private soon(): void {
    clearTimeout(this.resting)
    this.resting = setTimeout(() => this.read(), REST_MS)
  }

  /** Writes down what the hand has changed since. */
  private read(): void {
    if (this.drawing === undefined || this.stopped) return
    clearTimeout(this.resting)
    const drawn = this.drawing.drawnBodies()
    for (const [id, body] of drawn) {
      const studyId = this.studyOf(id, body)
      const log = studyId === undefined ? undefined : this.opened.get(studyId)?.log
      const known = log?.state.marks.get(id)
      if (studyId === undefined || log === undefined || isSame(known?.body, body)) continue
      this.history.add({ id, studyId, before: known?.body ?? null, after: body })
      log.put(id, { ...body, label: known?.body?.label ?? body.label, follows: known?.body?.follows ?? body.follows })
    }
    for (const [studyId, { log, frames }] of this.opened) {
      for (const { id, body } of log.state.marks.values()) {
        const isDrawable = body !== null && body.kind !== 'key' && frames.has(place(body.image.sop_uid, body.image.frame))
        if (!isDrawable || drawn.has(id) || this.drawing.isDrawn(id)) continue
        this.history.add({ id, studyId, before: body, after: null })
        log.put(id, null)
      }
    }
  }

  private studyOf(id: string, body: MarkBody): string | undefined {
    for (const [studyId, { log, frames }] of this.opened) {
      if (log.state.marks.has(id) || frames.has(place(body.image.sop_uid, body.image.frame))) return studyId
    }
    return undefined
  }

  private readonly places = new WeakMap<KnownMark, PlacedMark>()

  private placed(studyId: string, mark: KnownMark): PlacedMark[] {
    if (mark.body === null) return []
    const known = this.places.get(mark) ?? { studyId, mark, body: mark.body }
    this.places.set(mark, known)
    return [known]
  }

  /** Many changes within one frame of the screen are shown once. */
  private readonly showSoon = (): void => {
    if (this.frame !== undefined) return
    this.frame = requestAnimationFrame(() => {
      this.frame = undefined
      this.show()
    })
  }
  private frame: number | undefined

  /** Draws what is known and not on its frame yet, and takes away what is gone. */
  private show(): void {
    if (this.stopped) return
    const marks = [...this.opened].flatMap(([studyId, { log }]) => [...log.state.marks.values()].flatMap((mark) => this.placed(studyId, mark)))
    const logs = [...this.opened.values()].map(({ log }) => log.state)
    const worst = (['refused', 'waiting', 'sending', 'local'] as const).find((keeping) => logs.some((state) => state.keeping === keeping))
    this.store.setState({ marks, keeping: worst ?? 'kept', waiting: logs.reduce((sum, { waiting }) => sum + waiting, 0) })
    this.draw()
  }

  private draw(): void {
    const { drawing } = this
    if (drawing === undefined) return
    const drawn = drawing.drawnBodies()
    const changed: string[] = []
    drawing.notByHand(() => {
      for (const { log, frames } of this.opened.values()) {
        for (const { id, body } of log.state.marks.values()) {
          const frame = body === null ? undefined : frames.get(place(body.image.sop_uid, body.image.frame))
          if (body === null) {
            if (!drawing.isDrawn(id)) continue
            drawing.removeMark(id)
          } else if (frame === undefined || body.kind === 'key' || isSame(drawn.get(id), body) || (drawn.get(id) === undefined && drawing.isDrawn(id))) continue
          else drawing.drawBody(id, body, frame)
          changed.push(id)
        }
      }
    })
    if (changed.length > 0) drawing.ReadingTools.redraw()
  }

  remove(id: string): void {
    this.read()
    for (const [studyId, { log }] of this.opened) {
      const known = log.state.marks.get(id)
      if (known === undefined || known.body === null) continue
      this.history.add({ id, studyId, before: known.body, after: null })
      log.put(id, null)
    }
  }

  /** Marks the frame as a key image, or takes that back. */
  toggleKey(studyId: string, frame: Frame): void {
    const log = this.opened.get(studyId)?.log
    if (log === undefined) return
    const known = [...log.state.marks.values()].find(({ body }) => body?.kind === 'key' && body.image.sop_uid === frame.sopUid && body.image.frame === frame.number)
    const image = { series_uid: frame.seriesUid, sop_uid: frame.sopUid, frame: frame.number, digest: frame.digest }
    const body: MarkBody | null = known === undefined ? { kind: 'key', image, points: [], measured: [], label: '', follows: null } : null
    const id = known?.id ?? crypto.randomUUID()
    this.history.add({ id, studyId, before: known?.body ?? null, after: body })
    log.put(id, body)
  }

  setLabel(id: string, label: string): void {
    for (const [studyId, { log }] of this.opened) {
      const body = log.state.marks.get(id)?.body
      if (body === undefined || body === null || body.label === label) continue
      const after = { ...body, label }
      this.history.add({ id, studyId, before: body, after })
      log.put(id, after)
    }
  }

  undo(): void {
    this.read()
    this.turn(this.history.undo(), 'before')
  }

  redo(): void {
    this.turn(this.history.redo(), 'after')
  }

  private turn(change: Change | undefined, to: 'before' | 'after'): void {
    if (change !== undefined) this.opened.get(change.studyId)?.log.put(change.id, change[to])
  }
}
