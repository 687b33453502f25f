import { type Frame } from '@/dicom/series'
import { PRIORITY } from './framequeue'
import { loadFirstLook, loadPicture } from './load'
import { type Picture } from './picture'

const MOST_KEPT = 8

/** By address and content (guard 1). */
const kept = new Map<string, Promise<Picture>>()

const keyOf = (frame: Frame): string => `${frame.url}#${frame.digest}`

/** Loads a picture before the drawing library and its memory for pictures are there; the library takes it over. */
export function firstPicture(frame: Frame): Promise<Picture> {
  const key = keyOf(frame)
  const known = kept.get(key)
  if (known !== undefined) return known
  const loading = loadPicture(frame, PRIORITY.display)
  kept.set(key, loading)
  loading.catch(() => kept.delete(key))
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value ?? '')
  return loading
}

/** Whether somebody waits for this picture already, or has it. */
export const isFirst = (frame: Frame): boolean => kept.has(keyOf(frame))

/** A smaller picture of a frame that takes long to come whole; asked for first, its bytes are the beginning of the whole. */
export function firstLookAt(frame: Frame): Promise<Picture> | undefined {
  return isFirst(frame) ? undefined : loadFirstLook(frame)
}

/** Hands a picture over, once. */
export function takeFirst(frame: Frame): Promise<Picture> | undefined {
  const key = keyOf(frame)
  const known = kept.get(key)
  kept.delete(key)
  return known
}

export function forgetFirst(): void {
  kept.clear()
}
