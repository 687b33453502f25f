import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { pace } from '@/api/pace'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const slow = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

it('acts once for all who ask in the quiet interval', async () => {
  const { soon } = pace(400)
  let acts = 0
  for (let turn = 0; turn < 5; turn += 1) soon('jobs', () => (acts += 1))
  soon('sends', () => (acts += 10))
  await vi.advanceTimersByTimeAsync(399)
  expect(acts).toBe(0)
  await vi.advanceTimersByTimeAsync(2000)
  expect(acts).toBe(11)
})

it('lets a long reading end under constant news, then rests and acts again', async () => {
  const { soon } = pace(400)
  let [begun, ended] = [0, 0]
  const read = async (): Promise<void> => {
    begun += 1
    await slow(1000)
    ended += 1
  }
  for (let at = 0; at < 9000; at += 100) {
    soon('quarantine', read)
    await vi.advanceTimersByTimeAsync(100)
    expect(begun - ended).toBeLessThanOrEqual(1)
  }
  expect(ended).toBe(2)
  // The third was under way when the last news came, so a fourth follows it; then nobody asks.
  await vi.advanceTimersByTimeAsync(20_000)
  expect(ended).toBe(4)
})

it('outlives an act that fails and one that never ends', async () => {
  const { soon } = pace(400)
  let acts = 0
  soon('a', () => Promise.reject(new Error('no')))
  soon('b', () => new Promise(() => undefined))
  await vi.advanceTimersByTimeAsync(500)
  soon('a', () => (acts += 1))
  soon('b', () => (acts += 1))
  await vi.advanceTimersByTimeAsync(1000)
  expect(acts).toBe(1)
  await vi.advanceTimersByTimeAsync(25_000)
  expect(acts).toBe(2)
})

it('does nothing after its end', async () => {
  const { soon, stop } = pace(400)
  let acts = 0
  soon('jobs', () => (acts += 1))
  stop()
  await vi.advanceTimersByTimeAsync(2000)
  expect(acts).toBe(0)
})
