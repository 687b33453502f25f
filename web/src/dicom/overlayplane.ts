import { type Attributes, type Element } from './attributes'

/** A bit plane of graphics that belongs over the picture (PS3.3 C.9.2). */
export interface OverlayPlane {
  rows: number
  columns: number
  /** Pixel of the picture under the plane's first bit: column, row. */
  origin: readonly [number, number]
  /** First frame that the plane covers (1-based), and how many. */
  firstFrame: number
  frames: number
  data: Element | undefined
  /** Bit of the pixel cells that holds the plane when it has no data of its own (PS3.5 8.1.2, retired). */
  bit: number
}

const MOST_PIXELS = 64 * 1024 * 1024

function integers(element: Element | undefined): number[] {
  return (element?.Value ?? []).map(Number).filter(Number.isInteger)
}

function planeAt(of: Attributes, group: string): OverlayPlane | undefined {
  const [rows = 0] = integers(of.byTag(`${group}0010`))
  const [columns = 0] = integers(of.byTag(`${group}0011`))
  const data = of.byTag(`${group}3000`)
  const [bit = 0] = integers(of.byTag(`${group}0102`))
  if (rows < 1 || columns < 1 || rows * columns > MOST_PIXELS || (data === undefined && (bit < 1 || bit > 15))) return undefined
  const [row = 1, column = 1] = integers(of.byTag(`${group}0050`))
  const [frames = 1] = integers(of.byTag(`${group}0015`))
  const [firstFrame = 1] = integers(of.byTag(`${group}0051`))
  return { rows, columns, origin: [column - 1, row - 1], firstFrame, frames, data, bit }
}

/** The planes of an object, groups 6000 to 601E. */
export function overlayPlanes(of: Attributes): OverlayPlane[] {
  const groups = Array.from({ length: 16 }, (_, index) => (0x6000 + index * 2).toString(16).toUpperCase())
  return groups.map((group) => planeAt(of, group)).filter((plane) => plane !== undefined)
}

/** Which bits of a plane are set for a frame: one byte each, 0 or 1; nothing when it does not cover the frame. */
export function overlayBits(plane: OverlayPlane, data: Uint8Array, frame: number): Uint8Array | undefined {
  // A plane without frames of its own lies over all of them.
  const index = plane.frames > 1 ? frame - plane.firstFrame : 0
  const count = plane.rows * plane.columns
  const start = index * count
  if (index < 0 || index >= plane.frames || data.length * 8 < start + count) return undefined
  return Uint8Array.from({ length: count }, (_, bit) => ((data[(start + bit) >> 3] ?? 0) >> ((start + bit) & 7)) & 1)
}

/** A plane that lies in unused bits of the picture's own cells, taken out of them before they are cut to the stored bits. */
export function embeddedBits(plane: OverlayPlane, cells: ArrayLike<number>): Uint8Array | undefined {
  if (plane.data !== undefined || cells.length !== plane.rows * plane.columns) return undefined
  return Uint8Array.from({ length: cells.length }, (_, index) => ((cells[index] ?? 0) >> plane.bit) & 1)
}
