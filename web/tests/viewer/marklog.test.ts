import { describe, expect, it } from 'vitest'
import { ApiError } from '@/api/client'
import { type KeptMark, type MarkBody, type MarkEvent } from '@/api/marks'
import { sendLeftovers } from '@/viewer/marks/leftovers'
import { isNewer, MarkLog } from '@/viewer/marks/marklog'
import { type Queue, type Waiting } from '@/viewer/marks/queue'

/** A browser's room for waiting changes that outlives the log, as a database does. */
class Room implements Queue {
  readonly kept = new Map<string, Waiting>()
  add(waiting: readonly Waiting[]): Promise<void> {
    for (const one of waiting) this.kept.set(one.event.id, structuredClone(one))
    return Promise.resolve()
  }
  of(user: string, study: string): Promise<Waiting[]> {
    return Promise.resolve([...this.kept.values()].filter((one) => one.user === user && one.study === study))
  }
  all(user: string): Promise<Waiting[]> {
    return Promise.resolve([...this.kept.values()].filter((one) => one.user === user))
  }
  remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.kept.delete(id)
    return Promise.resolve()
  }
}

/** The server's half of the contract: each change once, the later version holds, all of a portion or none. */
class Archive {
  readonly events = new Map<string, MarkEvent>()
  readonly marks = new Map<string, KeptMark>()
  /** What befalls the next calls: `lost` before the archive heard it, `unheard` after. */
  fate: ('lost' | 'unheard' | 'well')[] = []
  refuses = (_event: MarkEvent): boolean => false
  sent = 0

  readonly send = (_study: string, events: readonly MarkEvent[]): Promise<{ last: number }> => {
    this.sent += 1
    const fate = this.fate.shift() ?? 'well'
    if (fate === 'lost') return Promise.reject(new ApiError(0, 'offline', '', ''))
    if (events.some(this.refuses)) return Promise.reject(new ApiError(422, 'bad_mark', 'no', ''))
    for (const event of events) this.take(event)
    return fate === 'unheard' ? Promise.reject(new ApiError(503, 'busy', '', '')) : Promise.resolve({ last: this.events.size })
  }

  private take(event: MarkEvent): void {
    if (this.events.has(event.id)) return
    this.events.set(event.id, event)
    const known = this.marks.get(event.mark)
    if (known !== undefined && isNewer({ version: known.version, event: known.event }, { version: event.version, event: event.id })) return
    const kept = { id: event.mark, version: event.version, event: event.id, number: this.events.size, body: event.body, doubt: '', drawn_by: 'A', is_own: true }
    this.marks.set(event.mark, { ...kept, drawn_at: event.at, changed_at: event.at })
  }

  readonly read = (_study: string, after: number): Promise<{ items: KeptMark[]; last: number }> =>
    Promise.resolve({ items: [...this.marks.values()].filter(({ number }) => number > after), last: this.events.size })
}

const body = (x: number): MarkBody => ({
  kind: 'length',
  image: { series_uid: '1.2', sop_uid: '1.2.3', frame: 1, digest: '' },
  points: [
    [0, 0],
    [x, 0],
  ],
  measured: [],
  label: '',
  follows: null,
})

const make = (archive: Archive, queue: Queue, mayKeep = true): MarkLog =>
  new MarkLog('7', { queue, user: 'a', mayKeep, read: archive.read, send: archive.send, soonMs: 1, againMs: 1 })

async function until(look: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2000 && !look(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 1))
  expect(look()).toBe(true)
}

/** A small generator of numbers that is the same in every run. */
function rolls(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296
    return state / 4294967296
  }
}

const shape = (marks: Iterable<[string, { body: MarkBody | null }]>): string =>
  JSON.stringify([...marks].filter(([, mark]) => mark.body !== null).map(([id, mark]) => [id, mark.body]).sort())

describe('the log of marks', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('loses nothing and doubles nothing on a bad line (seed %i)', async (seed) => {
    const [roll, archive, room] = [rolls(seed), new Archive(), new Room()]
    archive.fate = Array.from({ length: 20 }, () => (['lost', 'unheard', 'well'] as const)[Math.floor(roll() * 3)] ?? 'well')
    const ids = Array.from({ length: 12 }, () => crypto.randomUUID())
    const log = make(archive, room)
    await log.start()
    for (let change = 0; change < 200; change += 1) {
      log.put(ids[Math.floor(roll() * ids.length)] ?? '', roll() < 0.2 ? null : body(change))
      if (roll() < 0.1) await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await until(() => log.state.keeping === 'kept')
    expect(archive.events.size).toBe(200)
    expect(room.kept.size).toBe(0)
    expect(shape(archive.marks)).toBe(shape(log.state.marks))
  })

  it('sends what was drawn before the window was killed when the study is opened again', async () => {
    const [archive, gone, room] = [new Archive(), new Archive(), new Room()]
    gone.fate = Array.from({ length: 10_000 }, () => 'lost' as const)
    const killed = make(gone, room)
    await killed.start()
    for (let n = 0; n < 50; n += 1) killed.put(`m${n}`, body(n))
    await until(() => killed.state.keeping === 'waiting')
    expect(archive.events.size).toBe(0)
    const next = make(archive, room)
    await next.start()
    expect([...next.state.marks.values()].filter((mark) => mark.body !== null)).toHaveLength(50)
    await until(() => archive.events.size === 50)
    await until(() => next.state.keeping === 'kept')
  })

  it('sends what is left of any study, though it is not opened again', async () => {
    const [archive, room] = [new Archive(), new Room()]
    const event = (id: string): MarkEvent => ({ id, mark: id, version: 1, at: '', body: body(1) })
    await room.add([
      { event: event('one'), user: 'a', study: '1' },
      { event: event('two'), user: 'a', study: '2' },
      { event: event('other'), user: 'b', study: '1' },
    ])
    await sendLeftovers(room, 'a', archive.send)
    expect([...archive.events.keys()].sort()).toEqual(['one', 'two'])
    expect([...room.kept.keys()]).toEqual(['other'])
  })

  it('does not let one that is refused hold up the others, and says so', async () => {
    const [archive, room] = [new Archive(), new Room()]
    archive.refuses = (event) => event.mark === 'bad'
    const log = make(archive, room)
    await log.start()
    for (const id of ['good', 'bad', 'better']) log.put(id, body(1))
    await until(() => log.state.keeping === 'refused')
    expect([...archive.marks.keys()].sort()).toEqual(['better', 'good'])
    expect(room.kept.size).toBe(1)
  })

  it('shows what others draw meanwhile, and lets the later change hold', async () => {
    const [archive, room] = [new Archive(), new Room()]
    const [one, other] = [make(archive, room), make(archive, new Room())]
    await one.start()
    await other.start()
    one.put('m', body(1))
    await until(() => one.state.keeping === 'kept')
    await other.look()
    other.put('m', body(2))
    await until(() => other.state.keeping === 'kept')
    await one.look()
    expect(one.state.marks.get('m')?.body?.points[1]).toEqual([2, 0])
  })

  it('keeps nothing of who may only look', async () => {
    const [archive, room] = [new Archive(), new Room()]
    const log = make(archive, room, false)
    await log.start()
    log.put('m', body(1))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([log.state.keeping, archive.sent, room.kept.size]).toEqual(['local', 0, 0])
  })
})
