import { areParallel, centreOf, nearestPlane, type Plane } from '@/dicom/geometry'
import { type ImageStack } from '@/dicom/series'

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
