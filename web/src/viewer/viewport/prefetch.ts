/** Where the reader is in a stack and which way the scrolling goes. */
export interface Position {
  index: number
  direction: 1 | -1
  count: number
}

const NEAR = 8

/** Indices in the order in which the reader is likely to need them: a few ahead and behind, then on to the ends. */
export function prefetchOrder({ index, direction, count }: Position): number[] {
  const order: number[] = []
  const push = (candidate: number): void => {
    if (candidate >= 0 && candidate < count && candidate !== index) order.push(candidate)
  }
  for (let step = 1; step <= NEAR; step += 1) {
    push(index + step * direction)
    if (step <= NEAR / 2) push(index - step * direction)
  }
  const seen = new Set(order)
  for (let step = 1; step < count; step += 1) {
    for (const candidate of [index + step * direction, index - step * direction]) if (!seen.has(candidate)) push(candidate)
  }
  return order
}

export interface PrefetchTarget {
  isLoaded: (index: number) => boolean
  /** Begins a load; settles when it is over, however it ends. */
  load: (index: number, near: boolean) => Promise<void>
  /** False when the memory for pictures is nearly full. */
  hasRoom: () => boolean
  onProgress: () => void
}

const AT_ONCE = 5

/** Fills the memory around the reader's position, a few loads at a time, until the stack is there or the room is gone. */
export class Prefetcher {
  private position: Position | undefined
  private readonly running = new Set<number>()
  private readonly failed = new Set<number>()
  private stopped = false

  constructor(private readonly target: PrefetchTarget) {}

  moveTo(position: Position): void {
    this.position = position
    this.pump()
  }

  stop(): void {
    this.stopped = true
  }

  /** What failed may be there now: the server was away. */
  forgetFailures(): void {
    this.failed.clear()
    this.pump()
  }

  private pump(): void {
    if (this.stopped || this.position === undefined || this.running.size >= AT_ONCE) return
    let rank = 0
    for (const index of prefetchOrder(this.position)) {
      rank += 1
      if (this.running.has(index) || this.failed.has(index) || this.target.isLoaded(index)) continue
      if (!this.target.hasRoom() && rank > NEAR) return
      this.begin(index, rank <= NEAR)
      if (this.running.size >= AT_ONCE) return
    }
  }

  private begin(index: number, near: boolean): void {
    this.running.add(index)
    const over = (): void => {
      this.running.delete(index)
      // A frame that failed once is not fetched again in the background: the reader's own visit will try it.
      if (!this.target.isLoaded(index)) this.failed.add(index)
      this.target.onProgress()
      this.pump()
    }
    this.target.load(index, near).then(over, over)
  }
}
