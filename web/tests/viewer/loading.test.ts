import { describe, expect, it } from 'vitest'
import { FrameQueue, PRIORITY } from '@/viewer/pixels/framequeue'
import { Prefetcher, prefetchOrder } from '@/viewer/viewport/prefetch'

interface Call {
  url: string
  finish: () => void
  signal: AbortSignal
}

function harness(): { queue: FrameQueue; calls: Call[] } {
  const calls: Call[] = []
  const queue = new FrameQueue((url, { signal }) => {
    return new Promise((resolve, reject) => {
      calls.push({ url, signal, finish: () => resolve({ contentType: '', bytes: new Uint8Array(1) }) })
      signal.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))
    })
  })
  return { queue, calls }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

describe('frame queue', () => {
  it('keeps one connection free for what the reader looks at', async () => {
    const { queue, calls } = harness()
    for (let index = 0; index < 8; index += 1) void queue.request(`guess${index}`, PRIORITY.rest, '*/*', 'd')
    await turn()
    expect(calls.length).toBe(5)
    void queue.request('wanted', PRIORITY.display, '*/*', 'd')
    await turn()
    expect(calls.at(-1)?.url).toBe('wanted')
  })
  it('asks once for an address, and moves it up when somebody waits for it', async () => {
    const { queue, calls } = harness()
    for (let index = 0; index < 7; index += 1) void queue.request(`guess${index}`, PRIORITY.rest + index, '*/*', 'd')
    const again = queue.request('guess6', PRIORITY.display, '*/*', 'd')
    await turn()
    expect(calls.map((call) => call.url)).toContain('guess6')
    expect(calls.filter((call) => call.url === 'guess6').length).toBe(1)
    calls.find((call) => call.url === 'guess6')?.finish()
    expect((await again).bytes.length).toBe(1)
  })
  it('drops guesses on a change of series, but never what is waited for', async () => {
    const { queue, calls } = harness()
    const guess = queue.request('guess', PRIORITY.neighbour, '*/*', 'd')
    void queue.request('wanted', PRIORITY.display, '*/*', 'd')
    await turn()
    queue.dropGuesses(['guess', 'wanted'])
    await expect(guess).rejects.toMatchObject({ name: 'AbortError' })
    expect(calls.find((call) => call.url === 'wanted')?.signal.aborted).toBe(false)
  })
  it('hands a preloaded frame over once', async () => {
    const { queue, calls } = harness()
    queue.preload('first', '*/*', 'd')
    await turn()
    calls[0]?.finish()
    await turn()
    await queue.request('first', PRIORITY.display, '*/*', 'd')
    expect(calls.length).toBe(1)
    void queue.request('first', PRIORITY.display, '*/*', 'd')
    await turn()
    expect(calls.length).toBe(2)
  })
})

describe('prefetch', () => {
  it('goes ahead first, then behind, then to the ends, each image once', () => {
    const order = prefetchOrder({ index: 10, direction: 1, count: 100 })
    expect(order.slice(0, 4)).toEqual([11, 9, 12, 8])
    expect(new Set(order).size).toBe(99)
    expect(order.length).toBe(99)
    expect(prefetchOrder({ index: 0, direction: -1, count: 3 })).toEqual([1, 2])
  })
  it('fills the stack a few at a time, and does not try a failed image again', async () => {
    const loaded = new Set<number>([0])
    const tried: number[] = []
    let running = 0
    let most = 0
    const prefetcher = new Prefetcher({
      isLoaded: (index) => loaded.has(index),
      load: async (index) => {
        tried.push(index)
        running += 1
        most = Math.max(most, running)
        await turn()
        running -= 1
        if (index === 3) throw new Error('gone')
        loaded.add(index)
      },
      hasRoom: () => true,
      onProgress: () => undefined,
    })
    prefetcher.moveTo({ index: 0, direction: 1, count: 20 })
    for (let wait = 0; wait < 30; wait += 1) await turn()
    expect(loaded.size).toBe(19)
    expect(most).toBeLessThanOrEqual(5)
    expect(tried.filter((index) => index === 3).length).toBe(1)
  })
  it('keeps to the neighbours when the memory is full', async () => {
    const tried: number[] = []
    const prefetcher = new Prefetcher({
      isLoaded: (index) => tried.includes(index),
      load: (index) => {
        tried.push(index)
        return Promise.resolve()
      },
      hasRoom: () => false,
      onProgress: () => undefined,
    })
    prefetcher.moveTo({ index: 50, direction: 1, count: 100 })
    for (let wait = 0; wait < 30; wait += 1) await turn()
    expect(Math.max(...tried.map((index) => Math.abs(index - 50)))).toBeLessThanOrEqual(8)
  })
})
