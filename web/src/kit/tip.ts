export interface Box {
  left: number
  top: number
  right: number
  bottom: number
}

export type Side = 'top' | 'bottom' | 'left' | 'right'

const GAP = 6
const MARGIN = 4
const ORDER: Record<Side, readonly Side[]> = {
  top: ['top', 'bottom', 'right', 'left'],
  bottom: ['bottom', 'top', 'right', 'left'],
  left: ['left', 'right', 'bottom', 'top'],
  right: ['right', 'left', 'bottom', 'top'],
}

const meet = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
const within = (value: number, least: number, most: number): number => Math.max(least, Math.min(value, most))
const boxAt = (left: number, top: number, width: number, height: number): Box => ({ left, top, right: left + width, bottom: top + height })

function beside(side: Side, target: Box, width: number, height: number): Box {
  const middle = (target.left + target.right - width) / 2
  const centre = (target.top + target.bottom - height) / 2
  if (side === 'top') return boxAt(middle, target.top - GAP - height, width, height)
  if (side === 'bottom') return boxAt(middle, target.bottom + GAP, width, height)
  if (side === 'left') return boxAt(target.left - GAP - width, centre, width, height)
  return boxAt(target.right + GAP, centre, width, height)
}

/** Into the window along the target; across, a side without room is no side. */
function fitted(side: Side, box: Box, view: Box): Box {
  const [width, height] = [box.right - box.left, box.bottom - box.top]
  const upright = side === 'top' || side === 'bottom'
  const left = upright ? within(box.left, view.left + MARGIN, view.right - MARGIN - width) : box.left
  const top = upright ? box.top : within(box.top, view.top + MARGIN, view.bottom - MARGIN - height)
  return boxAt(left, top, width, height)
}

const inside = (box: Box, view: Box): boolean => box.left >= view.left && box.right <= view.right && box.top >= view.top && box.bottom <= view.bottom

/**
 * Where a name of `width` by `height` stands beside its target: on the wished side if it can, never over what must stay readable
 * (safety: who is on the screen). When every side is taken it goes down, or up, to the nearest free place.
 */
export function placeTip(target: Box, width: number, height: number, view: Box, side: Side, keepClear: readonly Box[]): Box {
  const isFree = (box: Box): boolean => inside(box, view) && !keepClear.some((other) => meet(box, other))
  const sides = ORDER[side].map((one) => fitted(one, beside(one, target, width, height), view))
  const free = sides.find(isFree)
  if (free !== undefined) return free
  const moved = sides
    .filter((box) => box.left >= view.left && box.right <= view.right)
    .flatMap((box) => keepClear.flatMap((other) => [other.bottom + MARGIN, other.top - MARGIN - height].map((top) => boxAt(box.left, top, width, height))))
    .filter(isFree)
    .sort((a, b) => Math.abs(a.top - target.top) - Math.abs(b.top - target.top))
  return moved[0] ?? sides[0] ?? beside(side, target, width, height)
}
