import { dot, length, normalise, subtract, type Plane } from './geometry'
import { areAligned, placesOf } from './splitting'

/** What a reader must know about how the slices of a stack lie. Numbers of images are their Instance Numbers where these tell the gap. */
export type ArrangementNote =
  | { kind: 'gap'; missing: number; after: number; before: number }
  | { kind: 'duplicates'; count: number }
  | { kind: 'uneven'; least: number; most: number }
  | { kind: 'tilt'; degrees: number }
  | { kind: 'turning' }

interface Numbered {
  readonly plane: Plane | undefined
  readonly attributes: { number: (keyword: 'InstanceNumber') => number | undefined }
  /** Of the frame in its object. */
  readonly number: number
}

/** Spacing that differs by less than this part is rounding. */
const ROUNDING = 0.05
const MOST_GAPS = 20
/** Below this, in degrees, a tilt is rounding too. */
const LEAST_TILT = 0.5

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}

/** The number by which a reader knows an image: its Instance Number when these count through the stack, else its place. */
function numbersOf<F extends Numbered>(frames: readonly F[]): Map<F, number> {
  const stated = frames.map((frame) => frame.attributes.number('InstanceNumber'))
  const steps = stated.slice(1).map((value, index) => Math.abs((value ?? 0) - (stated[index] ?? 0)))
  // Of a stack that shares its series with others they leap from slice to slice.
  const isTelling = stated.every((value) => value !== undefined) && median(steps) === 1
  return new Map(frames.map((frame, index) => [frame, isTelling ? (stated[index] ?? 0) : index + 1]))
}

function tiltOf(planes: readonly Plane[]): number {
  const [first, last] = [planes[0], planes.at(-1)]
  if (first === undefined || last === undefined) return 0
  const way = normalise(subtract(last.origin, first.origin))
  if (way === undefined) return 0
  const middle = planes[Math.floor(planes.length / 2)]
  // A straight line of origins is a tilted gantry; origins that wander are slices that were placed one by one.
  const aside = middle === undefined ? undefined : subtract(middle.origin, first.origin)
  if (aside !== undefined && length(subtract(aside, scaleTo(way, dot(aside, way)))) > 0.5) return 0
  return (Math.acos(Math.min(1, Math.abs(dot(way, first.normal)))) * 180) / Math.PI
}

const scaleTo = (way: readonly [number, number, number], size: number): [number, number, number] => [way[0] * size, way[1] * size, way[2] * size]

function spacingNotes<F extends Numbered>(places: readonly { depth: number; frames: readonly F[] }[], numbers: ReadonlyMap<F, number>): ArrangementNote[] {
  const steps = places.slice(1).map((place, index) => place.depth - (places[index]?.depth ?? 0))
  const usual = median(steps)
  if (usual <= 0) return []
  const notes: ArrangementNote[] = []
  const others: number[] = []
  steps.forEach((step, index) => {
    const times = step / usual
    const missing = Math.round(times) - 1
    if (missing < 1 || Math.abs(times - Math.round(times)) > ROUNDING * Math.round(times)) {
      others.push(step)
      return
    }
    const [a = 0, b = 0] = [places[index]?.frames[0], places[index + 1]?.frames[0]].map((frame) => (frame === undefined ? 0 : (numbers.get(frame) ?? 0)))
    notes.push({ kind: 'gap', missing, after: Math.min(a, b), before: Math.max(a, b) })
  })
  const [least, most] = [Math.min(...others), Math.max(...others)]
  // Slices that double their distance again and again are not missing: they were placed so.
  if (notes.length > steps.length / 3) return [{ kind: 'uneven', least: Math.min(...steps), most: Math.max(...steps) }]
  if (others.length > 0 && most - least > 2 * ROUNDING * usual) notes.push({ kind: 'uneven', least, most })
  return notes.slice(0, MOST_GAPS)
}

function notesOf(frames: readonly Numbered[]): ArrangementNote[] {
  const placed = frames.filter((frame): frame is Numbered & { readonly plane: Plane } => frame.plane !== undefined)
  const [first] = placed
  if (first === undefined || placed.length !== frames.length || placed.length < 3) return []
  if (placed.some((frame) => !areAligned(first.plane, frame.plane))) return [{ kind: 'turning' }]
  const places = placesOf(placed)
  // All in one place: moments, not slices.
  if (places.length === 1) return []
  const notes = spacingNotes(places, numbersOf(frames))
  const duplicates = placed.length - places.length
  if (duplicates > 0) notes.push({ kind: 'duplicates', count: duplicates })
  const degrees = places.length < 3 ? 0 : tiltOf(places.flatMap((place) => place.frames.slice(0, 1).map((frame) => frame.plane)))
  return degrees >= LEAST_TILT ? [...notes, { kind: 'tilt', degrees }] : notes
}

const kept = new WeakMap<object, ArrangementNote[]>()

/** Gaps, duplicates, uneven spacing and tilt of a stack; worked out once. */
export function arrangementOf(stack: { readonly frames: readonly Numbered[] }): ArrangementNote[] {
  const known = kept.get(stack)
  if (known !== undefined) return known
  const notes = notesOf(stack.frames)
  kept.set(stack, notes)
  return notes
}
