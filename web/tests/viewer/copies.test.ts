import { describe, expect, it } from 'vitest'
import { caseBeside, setCases } from '@/kit/cases'
import { copyOf, firstLook, forgetCopy, learnCopies } from '@/viewer/pixels/copies'
import { FrameQueue, PRIORITY } from '@/viewer/pixels/framequeue'
import { valueAt, type Picture } from '@/viewer/pixels/picture'

const FRAME = { url: '/dicom-web/studies/1.2/series/1.3/instances/1.4/frames/2', number: 2, digest: 'abc' }
const ENDS = [300, 1200, 9000, 40_000, 150_000, 700_000]

describe('copies of frames', () => {
  it('are known by the content and the number of the frame', () => {
    expect(copyOf(FRAME)).toBeUndefined()
    learnCopies({ mark: '1.7', items: [{ id: '7', instance_id: '5', digest: 'abc', frames: [[], ENDS] }] })
    expect(copyOf(FRAME)).toEqual({ url: `${FRAME.url}/copy/abc-7`, ends: ENDS })
    expect(copyOf({ ...FRAME, number: 1 })).toBeUndefined()
    expect(copyOf({ ...FRAME, number: 3 })).toBeUndefined()
    expect(copyOf({ ...FRAME, digest: 'abd' })).toBeUndefined()
    forgetCopy(FRAME)
    expect(copyOf(FRAME)).toBeUndefined()
  })
  it('begin with the largest picture that costs little, and only where the whole costs much', () => {
    expect(firstLook({ url: '', ends: ENDS })).toEqual({ bytes: 150_000, reduction: 1 })
    expect(firstLook({ url: '', ends: [300, 1200, 9000, 170_000, 500_000, 7_000_000] })).toEqual({ bytes: 9000, reduction: 3 })
    expect(firstLook({ url: '', ends: [300, 1200, 9000, 30_000, 90_000, 390_000] })).toBeUndefined()
    expect(firstLook({ url: '', ends: [7_000_000] })).toBeUndefined()
  })
  it('tell no values while they are smaller than their image (guard 11)', () => {
    const picture = { rows: 2, columns: 2, colour: false, pixels: Uint8Array.of(1, 2, 3, 4) } as unknown as Picture
    expect(valueAt(picture, 1, 1)?.value).toEqual([4])
    expect(valueAt({ ...picture, reduction: 1 }, 1, 1)).toBeUndefined()
  })
})

describe('frame queue with parts', () => {
  const asked: { url: string; range: string | undefined; signal: AbortSignal }[] = []
  const queue = new FrameQueue((url, { range, signal }) => {
    asked.push({ url, range, signal })
    return new Promise((resolve, reject) => {
      if (range !== undefined) resolve({ contentType: '', bytes: new Uint8Array(1) })
      signal.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))
    })
  })
  it('asks for parts of a copy, and hands over what was fetched ahead', async () => {
    queue.preload(FRAME.url, '*/*', 'abc', { url: 'copy', first: 0, end: 10 }, PRIORITY.ahead)
    await queue.request(FRAME.url, PRIORITY.display, '*/*', 'abc', { url: 'copy', first: 0, end: 10 })
    await queue.request(FRAME.url, PRIORITY.display, '*/*', 'abc', { url: 'copy', first: 10 })
    expect(asked.map(({ url, range }) => [url, range])).toEqual([
      ['copy', 'bytes=0-9'],
      ['copy', 'bytes=10-'],
    ])
  })
  it('drops everything of a study that was closed', async () => {
    const waiting = queue.request(FRAME.url, PRIORITY.display, '*/*', 'abc')
    const other = queue.request('/dicom-web/studies/1.22/series/1/instances/1/frames/1', PRIORITY.display, '*/*', 'x')
    await new Promise((resolve) => setTimeout(resolve))
    queue.dropStudy('1.2')
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    expect(asked.at(-1)?.signal.aborted).toBe(false)
    queue.dropStudy('1.22')
    await expect(other).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('cases of a list', () => {
  it('lie beside each other, and end', () => {
    setCases(['3', '1', '2'])
    expect([caseBeside('1', 1), caseBeside('1', -1), caseBeside('2', 1), caseBeside('3', -1), caseBeside('9', 1)]).toEqual(['2', '3', undefined, undefined, undefined])
  })
})
