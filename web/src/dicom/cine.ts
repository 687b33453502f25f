import { type Attributes } from './attributes'

export type RateBasis = 'RecommendedDisplayFrameRate' | 'CineRate' | 'FrameTime' | 'FrameTimeVector' | 'none'

/** When each frame of a loop begins, in ms from the loop's start, and how long the loop lasts. */
export interface Schedule {
  starts: number[]
  duration: number
  rate: number
  basis: RateBasis
  /** Back and forth instead of from the start again (0018,1244). */
  bounces: boolean
}

const DEFAULT_RATE = 15
const FASTEST = 120

function evenly(frames: number, rate: number, basis: RateBasis, bounces: boolean): Schedule {
  const shown = Math.min(FASTEST, rate)
  return { starts: Array.from({ length: frames }, (_, index) => (index * 1000) / shown), duration: (frames * 1000) / shown, rate: shown, basis, bounces }
}

/** The speed that the object asks for: its recommended rate, its cine rate, its frame time, in this order. */
export function scheduleOf(attributes: Attributes, frames: number): Schedule {
  const bounces = attributes.number('PreferredPlaybackSequencing') === 1
  for (const keyword of ['RecommendedDisplayFrameRate', 'CineRate'] as const) {
    const rate = attributes.number(keyword) ?? 0
    if (rate > 0) return evenly(frames, rate, keyword, bounces)
  }
  const frameTime = attributes.number('FrameTime') ?? 0
  if (frameTime > 0) return evenly(frames, 1000 / frameTime, 'FrameTime', bounces)
  const vector = attributes.numbers('FrameTimeVector')
  const total = vector.reduce((sum, step) => sum + Math.max(0, step), 0)
  if (vector.length === frames && frames > 1 && total > 0) {
    // The first increment is 0 by definition; the last frame is held for the mean of the others.
    let at = 0
    const starts = vector.map((step) => (at += Math.max(0, step)))
    const offset = starts[0] ?? 0
    const duration = total - offset + (total - offset) / (frames - 1)
    return { starts: starts.map((start) => start - offset), duration, rate: (frames * 1000) / duration, basis: 'FrameTimeVector', bounces }
  }
  return evenly(frames, DEFAULT_RATE, 'none', bounces)
}

/** The frame that is due at a moment of the wall clock; `speed` 1 is the object's own. */
export function frameAt(schedule: Schedule, elapsedMs: number, speed: number): number {
  const { starts, duration, bounces } = schedule
  if (starts.length < 2 || duration <= 0) return 0
  const period = bounces ? duration * 2 : duration
  const inside = (((elapsedMs * speed) % period) + period) % period
  const at = inside < duration ? inside : period - inside
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] ?? 0) <= at) low = middle
    else high = middle - 1
  }
  return low
}
