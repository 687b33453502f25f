import { describe, expect, it } from 'vitest'
import { type Plane, type Vec3 } from '@/dicom/geometry'
import { type ImageStack } from '@/dicom/series'
import { distanceTo, indexByOffset, linkedIndex, Links, offsetBetween } from '@/viewer/state/links'
import { Seen } from '@/viewer/state/seen'
import { EMPTY_STATE, type Viewport, type ViewportState } from '@/viewer/viewport/types'

const plane = (z: number, frameOfReference: string, direction: 1 | -1 = 1): Plane => ({
  origin: [0, 0, z],
  row: [1, 0, 0],
  column: [0, direction, 0],
  normal: [0, 0, direction],
  spacing: [1, 1],
  size: [1, 1],
  frameOfReference,
})

const stack = (id: string, places: readonly number[], frameOfReference: string, direction: 1 | -1 = 1): ImageStack =>
  ({ kind: 'images', id, frames: places.map((z): unknown => ({ plane: plane(z, frameOfReference, direction), url: `/${id}/${z}`, digest: 'd' })) }) as unknown as ImageStack

/** A viewport of which only the place in its stack is real. */
class Place {
  readonly state: { stack: ImageStack; index: number }
  constructor(of: ImageStack, index = 0) {
    this.state = { stack: of, index }
  }
  goTo(index: number): void {
    this.state.index = index
  }
}
const panes = (...places: Place[]): Map<number, Viewport> => new Map(places.map((place, index) => [index, place as unknown as Viewport]))

describe('scrolling together', () => {
  it('is by position where the frame of reference is shared, at any distance of slices', () => {
    const [fine, coarse] = [new Place(stack('a', [0, 1, 2, 3, 4, 5, 6], 'F'), 5), new Place(stack('b', [0, 3, 6], 'F'))]
    new Links(panes(fine, coarse)).follow(0)
    expect(coarse.state.index).toBe(2)
  })

  it('does not join frames of reference, until the reader says where they belong together', () => {
    const [now, then] = [new Place(stack('a', [0, 5, 10, 15], 'F'), 1), new Place(stack('b', [100, 105, 110, 115], 'G'), 2)]
    const links = new Links(panes(now, then))
    links.follow(0)
    expect(then.state.index).toBe(2)
    links.setOffsets(0, [0, 1])
    now.goTo(2)
    links.follow(0)
    expect(then.state.index).toBe(3)
    then.goTo(1)
    links.follow(1)
    expect(now.state.index).toBe(0)
    expect([links.hasOffset('a', 'b'), links.hasOffset('b', 'a'), links.hasOffset('a', 'c')]).toEqual([true, true, false])
  })

  it('goes the same way through the body when a series was stored the other way round', () => {
    const [now, then] = [new Place(stack('a', [0, 5, 10, 15], 'F'), 1), new Place(stack('b', [15, 10, 5, 0], 'G', -1), 2)]
    const links = new Links(panes(now, then))
    links.setOffsets(0, [1])
    now.goTo(3)
    links.follow(0)
    expect(then.state.stack.frames[then.state.index]?.plane?.origin).toEqual([0, 0, 15])
  })

  it('leaves alone what runs in another direction', () => {
    const sideways = { ...plane(0, 'G'), normal: [1, 0, 0] as Vec3 }
    expect(offsetBetween(plane(0, 'F'), sideways)).toBeUndefined()
    expect(indexByOffset(sideways, stack('b', [0, 1], 'G'), 0)).toBeUndefined()
    expect(linkedIndex(sideways, stack('b', [0, 1], 'G'))).toBeUndefined()
  })

  it('sends every pane of the frame of reference to a point, and no other', () => {
    const [here, same, other] = [new Place(stack('a', [0, 5], 'F')), new Place(stack('b', [0, 2, 4, 6], 'F')), new Place(stack('c', [0, 2, 4], 'G'))]
    new Links(panes(here, same, other)).goTo(0, [0, 0, 3.9], 'F')
    expect([here.state.index, same.state.index, other.state.index]).toEqual([0, 2, 0])
    expect(distanceTo(plane(4, 'F'), [9, 9, 3.5])).toBeCloseTo(0.5)
  })
})

it('counts each image that was on the screen once, and none that was only asked for', () => {
  const seen = new Seen()
  const of = stack('a', [0, 1, 2], 'F')
  const state = (index: number, shown = index): ViewportState => ({ ...EMPTY_STATE, status: 'ready', stack: of, index, picture: { frame: of.frames[shown] } as ViewportState['picture'] })
  for (const one of [state(0), state(0), state(2, 1), state(2), { ...state(1), status: 'loading' as const }]) seen.note(one)
  expect([seen.countOf('a'), seen.countOf('b')]).toEqual([2, 0])
})
