/** How far to look for a neighbour when the row itself is gone. */
const NEIGHBOURS = 50

/** By how many rows the row at `top` has moved; when it is gone, the next one that stayed speaks for it. */
export function anchorShift(previous: readonly string[], ids: readonly string[], top: number): number {
  for (const [ahead, anchor] of previous.slice(top, top + NEIGHBOURS).entries()) {
    const index = ids.indexOf(anchor)
    if (index >= 0) return index - (top + ahead)
  }
  return 0
}
