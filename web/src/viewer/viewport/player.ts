import { frameAt, type Schedule } from '@/dicom/cine'

export interface PlayerTarget {
  index: () => number
  isLoaded: (index: number) => boolean
  show: (index: number) => void
  onRate: (framesPerSecond: number) => void
}

const RATE_WINDOW_MS = 1000

/** Plays a stack by the wall clock: when drawing is slow, frames are left out and time goes on as it was. */
export class Player {
  private handle = 0
  private origin = 0
  private shownAt: number[] = []

  constructor(
    private readonly schedule: Schedule,
    private readonly target: PlayerTarget,
    private speed: number,
  ) {}

  start(): void {
    this.origin = performance.now() - this.offsetOf(this.target.index())
    this.handle = requestAnimationFrame(this.tick)
  }

  stop(): void {
    cancelAnimationFrame(this.handle)
    this.target.onRate(0)
  }

  setSpeed(speed: number): void {
    this.speed = speed
    this.origin = performance.now() - this.offsetOf(this.target.index())
  }

  private offsetOf(index: number): number {
    return (this.schedule.starts[index] ?? 0) / this.speed
  }

  private readonly tick = (now: number): void => {
    const due = frameAt(this.schedule, now - this.origin, this.speed)
    if (due !== this.target.index() && this.target.isLoaded(due)) {
      this.target.show(due)
      this.shownAt.push(now)
    }
    this.shownAt = this.shownAt.filter((moment) => now - moment <= RATE_WINDOW_MS)
    this.target.onRate(this.shownAt.length)
    this.handle = requestAnimationFrame(this.tick)
  }
}
