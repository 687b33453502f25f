import { request } from '@/api/client'
import { type SeriesCopies, type SeriesRow } from '@/api/types'
import { frameQueue, PRIORITY } from './framequeue'

/** What of a frame is asked for: its address, its number in the object, and the content it must have. */
export interface FrameKey {
  readonly url: string
  readonly number: number
  readonly digest: string
}

/** The copy of a frame: where it is, and how many bytes hold each resolution, smallest first; the last is all of it. */
export interface CopyOfFrame {
  url: string
  ends: readonly number[]
}

export const HTJ2K_RPCL = '1.2.840.10008.1.2.4.202'

/** A first look costs no more than this. */
const FIRST_BYTES = 160_000
/** What is smaller is on the screen in one go. */
const BIG_BYTES = 400_000
export const ANY = '*/*'
const MOST_OBJECTS = 20_000

/** Answers that have been read; each belongs to a state of its series. */
const learned = new Set<string>()
const known = new Map<string, { id: string; frames: readonly (readonly number[])[] }>()

export function learnCopies(answer: SeriesCopies): void {
  if (known.size + answer.items.length > MOST_OBJECTS) {
    known.clear()
    learned.clear()
  }
  for (const { id, digest, frames } of answer.items) known.set(digest, { id, frames })
}

export function copyOf({ url, number, digest }: FrameKey): CopyOfFrame | undefined {
  const found = known.get(digest)
  const ends = found?.frames[number - 1]
  return found === undefined || ends === undefined || ends.length === 0 ? undefined : { url: `${url}/copy/${digest}-${found.id}`, ends }
}

/** The copy is not what was hoped for: the object itself is read. */
export const forgetCopy = ({ digest }: FrameKey): boolean => known.delete(digest)

/** The resolution of a copy to begin with, when there is one that is worth it: how many bytes, and by how many halvings it is smaller. */
export function firstLook({ ends }: CopyOfFrame): { bytes: number; reduction: number } | undefined {
  const whole = ends.at(-1) ?? 0
  if (whole < BIG_BYTES) return undefined
  const index = ends.findLastIndex((end, at) => at < ends.length - 1 && end <= FIRST_BYTES)
  const bytes = ends[index]
  return bytes === undefined ? undefined : { bytes, reduction: ends.length - 1 - index }
}

/** Asks which images of a series have copies. Without an answer the objects themselves are read. */
export async function askForCopies(row: SeriesRow, signal?: AbortSignal): Promise<void> {
  const url = row.copies_url
  if (url == null || learned.has(url)) return
  try {
    learnCopies(await request<SeriesCopies>('GET', url, undefined, signal))
    learned.add(url)
  } catch {
    // Said nowhere: nothing is missing, it only takes longer.
  }
}

/** Asks for the first look at a frame before the code that shows it is there; false when there is none. */
export function preloadFirstLook(frame: FrameKey, priority: number = PRIORITY.display): boolean {
  const copy = copyOf(frame)
  const look = copy === undefined ? undefined : firstLook(copy)
  if (copy === undefined || look === undefined) return false
  frameQueue.preload(frame.url, ANY, frame.digest, { url: copy.url, first: 0, end: look.bytes }, priority)
  return true
}
