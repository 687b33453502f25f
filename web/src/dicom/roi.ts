import { type Point2 } from './geometry'

/** Whether a pixel's centre (integers) lies in a region of the picture. */
export interface Region {
  /** First column, first row, last column, last row. */
  bounds: readonly [number, number, number, number]
  contains: (x: number, y: number) => boolean
}

function boundsOf(points: readonly Point2[]): Region['bounds'] {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)]
  return [Math.ceil(Math.min(...xs)), Math.ceil(Math.min(...ys)), Math.floor(Math.max(...xs)), Math.floor(Math.max(...ys))]
}

export function rectangle([a, b]: readonly [Point2, Point2]): Region {
  const bounds = boundsOf([a, b])
  return { bounds, contains: (x, y) => x >= bounds[0] && y >= bounds[1] && x <= bounds[2] && y <= bounds[3] }
}

/** By the ends of its two axes, in pixels that need not be square: an affine picture of a circle. */
export function ellipse([a0, a1, b0, b1]: readonly [Point2, Point2, Point2, Point2]): Region {
  const centre: Point2 = [(a0[0] + a1[0]) / 2, (a0[1] + a1[1]) / 2]
  const [u, v]: readonly Point2[] = [
    [(a1[0] - a0[0]) / 2, (a1[1] - a0[1]) / 2],
    [(b1[0] - b0[0]) / 2, (b1[1] - b0[1]) / 2],
  ]
  const determinant = (u?.[0] ?? 0) * (v?.[1] ?? 0) - (u?.[1] ?? 0) * (v?.[0] ?? 0)
  const reach: Point2 = [Math.hypot(u?.[0] ?? 0, v?.[0] ?? 0), Math.hypot(u?.[1] ?? 0, v?.[1] ?? 0)]
  const bounds = boundsOf([
    [centre[0] - reach[0], centre[1] - reach[1]],
    [centre[0] + reach[0], centre[1] + reach[1]],
  ])
  const contains = (x: number, y: number): boolean => {
    if (u === undefined || v === undefined || determinant === 0) return false
    const [dx, dy] = [x - centre[0], y - centre[1]]
    return ((dx * v[1] - dy * v[0]) / determinant) ** 2 + ((dy * u[0] - dx * u[1]) / determinant) ** 2 <= 1
  }
  return { bounds, contains }
}

/** A closed line, by the even-odd rule. */
export function polygon(points: readonly Point2[]): Region {
  const contains = (x: number, y: number): boolean => {
    let inside = false
    points.forEach(([x0, y0], index) => {
      const [x1, y1] = points[(index + 1) % points.length] ?? [x0, y0]
      if (y0 > y !== y1 > y && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) inside = !inside
    })
    return inside
  }
  return { bounds: boundsOf(points), contains }
}

export interface Statistics {
  count: number
  mean: number
  deviation: number
  least: number
  most: number
}

/** Of the values of one channel whose pixel centres lie in the region and are no padding; nothing when there are none. */
export function statisticsOf(
  region: Region,
  picture: { rows: number; columns: number; pixels: ArrayLike<number>; isPadding: (value: number) => boolean },
): Statistics | undefined {
  let [count, mean, spread, least, most] = [0, 0, 0, Infinity, -Infinity]
  const [left, top, right, bottom] = region.bounds
  for (let y = Math.max(0, top); y <= Math.min(picture.rows - 1, bottom); y += 1) {
    for (let x = Math.max(0, left); x <= Math.min(picture.columns - 1, right); x += 1) {
      const value = picture.pixels[y * picture.columns + x] ?? 0
      if (!region.contains(x, y) || picture.isPadding(value)) continue
      count += 1
      const step = value - mean
      mean += step / count
      spread += step * (value - mean)
      if (value < least) least = value
      if (value > most) most = value
    }
  }
  return count === 0 ? undefined : { count, mean, deviation: Math.sqrt(spread / count), least, most }
}

/** In squares of the unit of `spacing` (between rows, between columns). */
export function areaOf(points: readonly Point2[], spacing: Point2): number {
  const crossed = points.reduce((sum, [x0, y0], index) => {
    const [x1, y1] = points[(index + 1) % points.length] ?? [x0, y0]
    return sum + x0 * y1 - x1 * y0
  }, 0)
  return (Math.abs(crossed) / 2) * spacing[0] * spacing[1]
}
