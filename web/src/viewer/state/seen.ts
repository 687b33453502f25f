import { type Frame, type ImageStack } from '@/dicom/series'
import { type ViewportState } from '../viewport/types'

const keyOf = (frame: Frame): string => `${frame.url}#${frame.digest}`

/**
 * Which images have been on the screen in full: for the reader alone, for as long as the case is open. It helps to overlook nothing,
 * and is nobody's record of how somebody reads.
 */
export class Seen {
  /** By content, so that a stack that grows keeps what has been seen of it, and a replaced image counts as new. */
  private readonly frames = new Set<string>()
  private readonly counts = new Map<string, number>()
  private readonly listeners = new Set<() => void>()

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  /** Takes down what a viewport shows now. */
  note({ stack, index, status, picture }: ViewportState): void {
    if (stack === undefined || status !== 'ready' || picture === undefined || picture.frame !== stack.frames[index] || picture.reduction !== undefined) return
    const key = keyOf(picture.frame)
    if (this.frames.has(key)) return
    this.frames.add(key)
    this.counts.set(stack.id, this.countOf(stack.id) + 1)
    for (const listener of [...this.listeners]) listener()
  }

  /** How many images of a stack have been seen. */
  readonly countOf = (stackId: string): number => this.counts.get(stackId) ?? 0

  unseen(stack: ImageStack): number {
    return stack.frames.reduce((sum, frame) => sum + (this.frames.has(keyOf(frame)) ? 0 : 1), 0)
  }

  /** Runs of images that have been seen: index of the first, and how many. */
  runs(stack: ImageStack): { first: number; count: number }[] {
    const runs: { first: number; count: number }[] = []
    stack.frames.forEach((frame, index) => {
      if (!this.frames.has(keyOf(frame))) return
      const last = runs.at(-1)
      if (last !== undefined && last.first + last.count === index) last.count += 1
      else runs.push({ first: index, count: 1 })
    })
    return runs
  }
}
