import { areParallel, centreOf, dot, nearestPlane, subtract, type Plane, type Vec3 } from '@/dicom/geometry'
import { type ImageStack } from '@/dicom/series'
import { type Viewport } from '../viewport/types'

/** Planes of a stack's frames; computed once per stack, since a linked scroll asks for them at every step. */
const kept = new WeakMap<ImageStack, (Plane | undefined)[]>()

function planesOf(stack: ImageStack): (Plane | undefined)[] {
  const known = kept.get(stack)
  if (known !== undefined) return known
  const planes = stack.frames.map((frame) => frame.plane)
  kept.set(stack, planes)
  return planes
}

/**
 * The image of `stack` that lies where `plane` lies; nothing when the two cannot be linked by position: another frame of
 * reference, another direction, or no position at all.
 */
export function linkedIndex(plane: Plane, stack: ImageStack): number | undefined {
  const planes = planesOf(stack)
  const first = planes.find((candidate) => candidate !== undefined)
  if (first === undefined || !areParallel(plane, first)) return undefined
  return nearestPlane(planes, centreOf(plane))
}

const PARALLEL = 0.95

/** Cosine of the angle between the two directions of scrolling: near to 1 or -1 when both go the same way through the body. */
const agreement = (a: Plane, b: Plane): number => dot(a.normal, b.normal)

/** Where a plane lies along its own normal, turned so that both of a pair count in one direction. */
const along = (plane: Plane, sign: number): number => sign * dot(centreOf(plane), plane.normal)


/** The image of `stack` that lies at the same place once the agreed distance between the two is taken off. */
export function indexByOffset(plane: Plane, stack: ImageStack, mm: number): number | undefined {
  const planes = planesOf(stack)
  const first = planes.find((candidate) => candidate !== undefined)
  if (first === undefined || Math.abs(agreement(plane, first)) < PARALLEL) return undefined
  const target = along(plane, 1) + mm
  const sign = Math.sign(agreement(plane, first))
  let best: number | undefined
  let distance = Infinity
  planes.forEach((candidate, index) => {
    if (candidate === undefined) return
    const away = Math.abs(along(candidate, sign) - target)
    if (away < distance - 1e-6) [best, distance] = [index, away]
  })
  return best
}

/** The distance between two planes that a reader has found to belong together; nothing when they do not run the same way. */
export function offsetBetween(from: Plane, to: Plane): number | undefined {
  const agreed = agreement(from, to)
  return Math.abs(agreed) < PARALLEL ? undefined : along(to, Math.sign(agreed)) - along(from, 1)
}

const planeNow = ({ state }: Viewport): Plane | undefined => state.stack?.frames[state.index]?.plane

/**
 * How the panes of one case are scrolled together: by position where two series share a frame of reference, else by a distance
 * that the reader has set for the two. Lives and dies with the case (guard 4).
 */
export class Links {
  /** By the ids of the two stacks, in both directions. */
  private readonly offsets = new Map<string, number>()

  constructor(private readonly viewports: ReadonlyMap<number, Viewport>) {}

  follow(pane: number): void {
    const source = this.viewports.get(pane)
    const plane = source && planeNow(source)
    if (source?.state.stack === undefined || plane === undefined) return
    for (const [other, viewport] of this.viewports) {
      const { stack } = viewport.state
      if (other === pane || stack === undefined) continue
      const mm = this.offsets.get(`${source.state.stack.id}>${stack.id}`)
      const index = mm === undefined ? linkedIndex(plane, stack) : indexByOffset(plane, stack, mm)
      if (index !== undefined) viewport.goTo(index)
    }
  }

  /** Scrolls every pane to where another window of the desk has scrolled; by position alone. */
  followPlane(plane: Plane): void {
    for (const viewport of this.viewports.values()) {
      const { stack } = viewport.state
      const index = stack && linkedIndex(plane, stack)
      if (index !== undefined) viewport.goTo(index)
    }
  }

  planeOf(pane: number): Plane | undefined {
    const viewport = this.viewports.get(pane)
    return viewport && planeNow(viewport)
  }

  /** From here the active pane and each other one keep the distance that they have now. */
  setOffsets(active: number, panes: readonly number[]): void {
    const source = this.viewports.get(active)
    const from = source && planeNow(source)
    if (source?.state.stack === undefined || from === undefined) return
    for (const pane of panes) {
      const viewport = this.viewports.get(pane)
      const to = viewport && planeNow(viewport)
      if (pane === active || viewport?.state.stack === undefined || to === undefined) continue
      this.keep(source.state.stack.id, from, viewport.state.stack.id, to)
    }
  }

  /** True when two stacks are scrolled together by a distance that the reader has set. */
  hasOffset(a: string, b: string): boolean {
    return this.offsets.has(`${a}>${b}`)
  }

  /** Scrolls every pane of the frame of reference, but the one pointed at, to the plane through a point. */
  goTo(active: number, point: Vec3, frameOfReference: string): void {
    for (const [pane, viewport] of this.viewports) {
      const { stack } = viewport.state
      if (pane === active || stack === undefined) continue
      const planes = planesOf(stack)
      if (planes.find((plane) => plane !== undefined)?.frameOfReference !== frameOfReference) continue
      const index = nearestPlane(planes, point)
      if (index !== undefined) viewport.goTo(index)
    }
  }

  private keep(a: string, from: Plane, b: string, to: Plane): void {
    const [there, back] = [offsetBetween(from, to), offsetBetween(to, from)]
    if (a === b || there === undefined || back === undefined) return
    this.offsets.set(`${a}>${b}`, there)
    this.offsets.set(`${b}>${a}`, back)
  }
}

/** How far a point lies from a plane, in mm. */
export const distanceTo = (plane: Plane, point: Vec3): number => Math.abs(dot(subtract(point, plane.origin), plane.normal))
