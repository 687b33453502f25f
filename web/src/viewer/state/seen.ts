import { type ViewportState } from '../viewport/types'

/** Which images of each stack have been on the screen in full: for the reader alone, for as long as the case is open. */
export class Seen {
  private readonly stacks = new Map<string, { seen: Uint8Array; count: number }>()
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
    const kept = this.stacks.get(stack.id)
    const own = kept?.seen.length === stack.frames.length ? kept : { seen: new Uint8Array(stack.frames.length), count: 0 }
    this.stacks.set(stack.id, own)
    if (own.seen[index] === 1) return
    own.seen[index] = 1
    own.count += 1
    for (const listener of [...this.listeners]) listener()
  }

  /** How many images of a stack have been seen. */
  readonly countOf = (stackId: string): number => this.stacks.get(stackId)?.count ?? 0
}
