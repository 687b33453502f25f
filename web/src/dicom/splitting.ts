import { type Attributes } from './attributes'
import { dot, planeName, subtract, type Plane, type Vec3 } from './geometry'
import { discriminators, imageTypes, momentsOf, type TraitKind } from './traits'

/** What sets one stack of a series apart from the others: a value, a place in a row, or both. */
export interface Trait {
  kind: TraitKind
  value: string
  index: number
  of: number
}

/** A frame as far as sorting needs it. */
export interface Sliced {
  readonly attributes: Attributes
  readonly plane: Plane | undefined
}

export interface Part<F> {
  frames: F[]
  traits: Trait[]
}

type Placed<F> = F & { readonly plane: Plane }

/** Cosine of the largest angle between slices that are still of one direction. */
const SAME_DIRECTION = 0.9995
/** Slices nearer than this, in mm, lie in one place. */
const SAME_PLACE_MM = 0.02

const trait = (kind: TraitKind, value: string, index = 0, of = 0): Trait => ({ kind, value, index, of })

/** Groups in the order in which their keys are first met. */
function groupBy<F>(frames: readonly F[], keyOf: (frame: F) => string): Map<string, F[]> {
  const groups = new Map<string, F[]>()
  for (const frame of frames) {
    const key = keyOf(frame)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [frame])
    else group.push(frame)
  }
  return groups
}

export const areAligned = (a: Plane, b: Plane): boolean => dot(a.row, b.row) > SAME_DIRECTION && dot(a.column, b.column) > SAME_DIRECTION

/** Frames by direction, the first of a group standing for it. */
function byDirection<F>(frames: readonly Placed<F>[]): Placed<F>[][] {
  const groups: Placed<F>[][] = []
  for (const frame of frames) {
    const group = groups.find(([first]) => first !== undefined && areAligned(first.plane, frame.plane))
    if (group === undefined) groups.push([frame])
    else group.push(frame)
  }
  return groups
}

/** Where a plane lies along a direction, in mm. */
export const depthOf = (plane: Plane, normal: Vec3, from: Vec3): number => dot(subtract(plane.origin, from), normal)

interface Place<F> {
  depth: number
  frames: F[]
}

/** Frames by place along their common normal, from one end to the other. */
export function placesOf<P extends { readonly plane: Plane }>(frames: readonly P[]): Place<P>[] {
  const [first] = frames
  if (first === undefined) return []
  const { normal, origin } = first.plane
  const sorted = frames.map((frame) => ({ frame, depth: depthOf(frame.plane, normal, origin) })).sort((a, b) => a.depth - b.depth)
  const places: Place<P>[] = []
  for (const { frame, depth } of sorted) {
    const last = places.at(-1)
    if (last !== undefined && depth - last.depth < SAME_PLACE_MM) last.frames.push(frame)
    else places.push({ depth, frames: [frame] })
  }
  return places
}

const mostInOnePlace = (frames: readonly { readonly plane: Plane }[]): number => Math.max(0, ...placesOf(frames).map((place) => place.frames.length))

/** From one end to the other, beginning where the object's own order begins; frames of one place in the object's order. */
function sorted<P extends { readonly plane: Plane }>(frames: readonly P[]): P[] {
  const places = placesOf(frames)
  const rank = new Map(frames.map((frame, index) => [frame, index]))
  const rankOf = (place: Place<P>): number => {
    const ranks = place.frames.map((frame) => rank.get(frame) ?? 0)
    return ranks.reduce((sum, value) => sum + value, 0) / ranks.length
  }
  // The trend of the whole, not the two ends alone: one slice that was sent late must not turn the stack over.
  const middle = (places.length - 1) / 2
  const trend = places.reduce((sum, place, index) => sum + (index - middle) * rankOf(place), 0)
  if (trend < 0) places.reverse()
  return places.flatMap((place) => place.frames.toSorted((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0)))
}

const numeric = (a: string, b: string): number => (a === '' ? -1 : b === '' ? 1 : Number.isFinite(Number(a)) && Number.isFinite(Number(b)) ? Number(a) - Number(b) : 0)

/** Splits by the first attribute that explains why several frames lie in one place; goes on within the parts. */
function byMeaning<F extends Sliced>(frames: readonly Placed<F>[], from = 0): Part<Placed<F>>[] {
  const most = mostInOnePlace(frames)
  if (most < 2) return [{ frames: [...frames], traits: [] }]
  const known = discriminators(frames.map((frame) => frame.attributes))
  for (let at = from; at < known.length; at += 1) {
    const { kind, valueOf, isRank } = known[at] ?? { kind: 'dimension' as const, valueOf: () => '', isRank: true }
    const groups = groupBy(frames, (frame) => valueOf(frame.attributes))
    // More values than frames in one place: it changes from slice to slice and explains nothing.
    if (groups.size < 2 || groups.size > most) continue
    if (Math.max(...[...groups.values()].map(mostInOnePlace)) >= most) continue
    const keys = [...groups.keys()].sort(numeric)
    return keys.flatMap((key, index) => {
      const own = isRank ? trait(kind, '', index + 1, keys.length) : trait(kind, key)
      return byMeaning(groups.get(key) ?? [], at + 1).map((part) => ({ ...part, traits: [own, ...part.traits] }))
    })
  }
  return byMoment(frames, most)
}

/** The same place again and again at other moments: the first of every place, the second of every place. */
function byMoment<F extends Sliced>(frames: readonly Placed<F>[], most: number): Part<Placed<F>>[] {
  const places = placesOf(frames)
  for (const { kind, valueOf } of momentsOf()) {
    const differs = places.every((place) => new Set(place.frames.map((frame) => valueOf(frame.attributes))).size === place.frames.length)
    if (!differs) continue
    const parts = Array.from({ length: most }, (_, index): Part<Placed<F>> => ({ frames: [], traits: [trait(kind, '', index + 1, most)] }))
    for (const place of places) {
      place.frames
        .toSorted((a, b) => numeric(valueOf(a.attributes), valueOf(b.attributes)))
        .forEach((frame, index) => parts[index]?.frames.push(frame))
    }
    const rank = new Map(frames.map((frame, index) => [frame, index]))
    for (const part of parts) part.frames.sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0))
    return parts
  }
  return [{ frames: [...frames], traits: [] }]
}

function byPlane<F extends Sliced>(frames: readonly Placed<F>[]): Part<F>[] {
  const groups = byDirection(frames)
  // Slices that turn around an axis, each in a direction of its own, are one series and stay in its order.
  if (groups.length > 1 && groups.length > frames.length / 2) return [{ frames: [...frames], traits: [] }]
  const names = groups.map(([first]) => (first === undefined ? 'oblique' : planeName(first.plane.normal)))
  return groups.flatMap((group, index) => {
    const name = names[index] ?? 'oblique'
    const same = names.filter((other) => other === name).length
    const place = names.slice(0, index + 1).filter((other) => other === name).length
    const own = groups.length === 1 ? [] : [same === 1 ? trait('plane', name) : trait('plane', name, place, same)]
    return byMeaning(group).map((part) => ({ frames: sorted(part.frames), traits: [...own, ...part.traits] }))
  })
}

/** Splits by a key that always separates. */
function byKey<F extends Sliced>(frames: readonly Placed<F>[], keyOf: (frame: Placed<F>) => string, nameOf: (key: string, all: readonly string[]) => Trait): Part<Placed<F>>[] {
  const groups = groupBy(frames, keyOf)
  if (groups.size < 2) return [{ frames: [...frames], traits: [] }]
  const keys = [...groups.keys()]
  return keys.map((key) => ({ frames: groups.get(key) ?? [], traits: [nameOf(key, keys)] }))
}

function sizeKey({ plane }: { plane: Plane }): string {
  const [rows, columns] = plane.size
  return `${columns} × ${rows}|${plane.spacing.map((value) => value.toPrecision(3)).join('/')}`
}

/** The matrix, or the size of a pixel when that is what differs. */
function sizeTrait(key: string, all: readonly string[]): Trait {
  const [matrix = '', spacing = ''] = key.split('|')
  const twins = all.filter((other) => other.startsWith(`${matrix}|`)).length
  return trait('matrix', twins > 1 ? `${matrix} · ${Number(spacing.split('/')[0])} mm` : matrix)
}

function splitPlaced<F extends Sliced>(frames: readonly Placed<F>[]): Part<F>[] {
  const types = imageTypes(frames.map((frame) => frame.attributes))
  const steps: ((part: readonly Placed<F>[]) => Part<Placed<F>>[])[] = [
    (part) => byKey(part, (frame) => types.keyOf(frame.attributes), (key) => trait('type', types.wordOf(key))),
    (part) => byKey(part, sizeKey, sizeTrait),
    (part) => byKey(part, (frame) => frame.plane.frameOfReference, (key, all) => trait('frameOfReference', '', all.indexOf(key) + 1, all.length)),
  ]
  let parts: Part<Placed<F>>[] = [{ frames: [...frames], traits: [] }]
  for (const step of steps) parts = parts.flatMap((part) => step(part.frames).map((inner) => ({ frames: inner.frames, traits: [...part.traits, ...inner.traits] })))
  return parts.flatMap((part) => byPlane(part.frames).map((inner) => ({ frames: inner.frames, traits: [...part.traits, ...inner.traits] })))
}

const isPlaced = <F extends Sliced>(frame: F): frame is Placed<F> => frame.plane !== undefined

/**
 * Frames of one series as stacks that can be scrolled from end to end: one direction, one matrix, one kind of image, and as far
 * as the objects explain it one frame in each place. Every frame is in exactly one part; frames without a place are together.
 */
export function splitFrames<F extends Sliced>(frames: readonly F[]): Part<F>[] {
  const placed = frames.filter((frame) => isPlaced(frame))
  if (placed.length === 0) return [{ frames: [...frames], traits: [] }]
  const unplaced = frames.filter((frame) => !isPlaced(frame))
  const parts = splitPlaced(placed)
  return unplaced.length === 0 ? parts : [...parts, { frames: unplaced, traits: [trait('unplaced', '')] }]
}

/** A part's own word for use in a stack's id: the same for the same part when more of the series has arrived. */
export const traitKey = (traits: readonly Trait[]): string => traits.map(({ kind, value, index }) => `${kind}=${value}${index > 0 ? `~${index}` : ''}`).join('&')
