import { type PaneHang } from './match'
import { type Area, type Stage } from './protocol'

/** A grid of panes: even, or with an area for each pane. */
export interface Layout {
  rows: number
  columns: number
  areas?: readonly Area[]
}

export const paneCount = (layout: Layout): number => layout.areas?.length ?? layout.rows * layout.columns

/** The smallest grid within another that holds so many panes; of two as small the wider. */
export function smallest(count: number, within: Layout): Layout {
  let best: Layout = { rows: within.rows, columns: within.columns }
  for (let rows = within.rows; rows >= 1; rows -= 1) {
    for (let columns = 1; columns <= within.columns; columns += 1) {
      const places = rows * columns
      if (places >= count && places <= best.rows * best.columns) best = { rows, columns }
    }
  }
  return best
}

/** A pane of the screen, and which viewport of the stage it is. */
export interface PlacedHang extends PaneHang {
  place: number
}

export interface Shown {
  layout: Layout
  panes: PlacedHang[]
}

/** What a stage shows: panes that stayed empty are left out and the others given their room, unless the stage wants its places kept. */
export function shownOf(stage: Stage, panes: readonly PaneHang[]): Shown {
  const { rows, columns, areas, keep_empty } = stage.viewport_structure
  const placed = panes.map((pane) => ({ ...pane, place: pane.pane }))
  if (areas !== undefined) return { layout: { rows, columns, areas }, panes: placed }
  if (keep_empty === true) return { layout: { rows, columns }, panes: placed }
  const filled = placed.filter((pane) => pane.selector !== '').map((pane, number) => ({ ...pane, pane: number }))
  return { layout: smallest(Math.max(1, filled.length), { rows, columns }), panes: filled }
}
