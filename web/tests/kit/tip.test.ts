import { describe, expect, it } from 'vitest'
import { type Box, placeTip } from '@/kit/tip'

const VIEW: Box = { left: 0, top: 0, right: 1280, bottom: 800 }
const box = (left: number, top: number, width: number, height: number): Box => ({ left, top, right: left + width, bottom: top + height })
const covers = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom

describe('place of a name', () => {
  it('is the wished side when nothing is there', () => {
    const place = placeTip(box(600, 400, 32, 32), 100, 24, VIEW, 'top', [])
    expect(place.bottom).toBeLessThanOrEqual(400)
    expect(place.left).toBe(566)
  })

  it('turns to the other side at the edge of the window', () => {
    expect(placeTip(box(600, 4, 32, 32), 100, 24, VIEW, 'top', []).top).toBeGreaterThan(36)
    const corner = placeTip(box(1250, 4, 28, 28), 200, 24, VIEW, 'top', [])
    expect(corner.right).toBeLessThanOrEqual(1280)
  })

  it('never stands over who is on the screen', () => {
    const bar = box(60, 6, 530, 32)
    const corner = box(178, 92, 250, 50)
    for (let left = 50; left < 1240; left += 7) {
      const target = box(left, 48, 32, 32)
      const place = placeTip(target, 150, 24, VIEW, 'top', [bar, corner])
      expect([covers(place, bar), covers(place, corner), covers(place, target)]).toEqual([false, false, false])
    }
    for (let top = 44; top < 760; top += 7) {
      const target = box(0, top, 48, 40)
      const place = placeTip(target, 150, 24, VIEW, 'right', [bar, box(58, 92, 250, 50), box(58, 480, 250, 50)])
      expect(covers(place, bar) || covers(place, box(58, 92, 250, 50)) || covers(place, box(58, 480, 250, 50))).toBe(false)
    }
  })
})
