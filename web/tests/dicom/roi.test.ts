import { describe, expect, it } from 'vitest'
import { areaOf, ellipse, polygon, rectangle, statisticsOf } from '@/dicom/roi'

const [rows, columns] = [40, 60]
const pixels = Float32Array.from({ length: rows * columns }, (_, at) => (at % columns) * 2 - Math.floor(at / columns))
const picture = { rows, columns, pixels, isPadding: () => false }

/** Every pixel asked, by the definition of the shape. */
function truth(inside: (x: number, y: number) => boolean): number[] {
  const values: number[] = []
  for (let y = 0; y < rows; y += 1) for (let x = 0; x < columns; x += 1) if (inside(x, y)) values.push(x * 2 - y)
  return values
}

function check(values: number[], found: ReturnType<typeof statisticsOf>): void {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  expect(found?.count).toBe(values.length)
  expect(found?.mean).toBeCloseTo(mean, 9)
  expect(found?.deviation).toBeCloseTo(Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length), 9)
  expect([found?.least, found?.most]).toEqual([Math.min(...values), Math.max(...values)])
}

describe('regions', () => {
  it('takes the pixels whose centres lie in a rectangle, however it was drawn', () => {
    check(truth((x, y) => x >= 3 && x <= 10 && y >= 5 && y <= 8), statisticsOf(rectangle([[10.4, 4.6], [2.6, 8.3]]), picture))
  })

  it('takes an ellipse by the ends of its axes, turned too', () => {
    const upright = ellipse([[10, 20], [30, 20], [20, 14], [20, 26]])
    check(truth((x, y) => ((x - 20) / 10) ** 2 + ((y - 20) / 6) ** 2 <= 1), statisticsOf(upright, picture))
    const turn = ([x, y]: readonly [number, number]): [number, number] => [20 + x * Math.cos(0.5) - y * Math.sin(0.5), 20 + x * Math.sin(0.5) + y * Math.cos(0.5)]
    const turned = ellipse([turn([-10, 0]), turn([10, 0]), turn([0, -6]), turn([0, 6])])
    const inside = (x: number, y: number): boolean => {
      const [dx, dy] = [x - 20, y - 20]
      const [u, v] = [dx * Math.cos(0.5) + dy * Math.sin(0.5), -dx * Math.sin(0.5) + dy * Math.cos(0.5)]
      return (u / 10) ** 2 + (v / 6) ** 2 <= 1
    }
    check(truth(inside), statisticsOf(turned, picture))
  })

  it('leaves out padding and what lies beyond the picture', () => {
    const padded = { ...picture, isPadding: (value: number) => value < 0 }
    check(
      truth((x, y) => x <= 5 && y <= 5).filter((value) => value >= 0),
      statisticsOf(rectangle([[-20, -20], [5, 5]]), padded),
    )
    expect(statisticsOf(rectangle([[100, 100], [110, 110]]), picture)).toBeUndefined()
  })

  it('knows a polygon and its area', () => {
    const corners = [[2, 2], [12.5, 3], [9, 14]] as const
    const side = (a: readonly [number, number], b: readonly [number, number], x: number, y: number): number => (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
    const [a, b, c] = corners
    check(truth((x, y) => side(a, b, x, y) > 0 && side(b, c, x, y) > 0 && side(c, a, x, y) > 0), statisticsOf(polygon(corners), picture))
    expect(areaOf([[0, 0], [10, 0], [10, 5], [0, 5]], [2, 0.5])).toBe(50)
  })
})
