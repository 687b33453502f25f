import { describe, expect, it } from 'vitest'
import { intoBatches, isJunk, type Picked } from '@/features/worklist/upload/batches'

const file = (name: string, size: number): Picked => ({ name, file: { size } as File })

describe('upload batches', () => {
  it('hold all files once, in order', () => {
    const files = Array.from({ length: 250 }, (_none, index) => file(String(index), 10))
    const batches = intoBatches(files, 100, 1e9)
    expect(batches.map((batch) => batch.length)).toEqual([100, 100, 50])
    expect(batches.flat()).toEqual(files)
  })

  it('stay below the size, except for a file that is larger alone', () => {
    const batches = intoBatches([file('a', 40), file('b', 40), file('c', 40), file('huge', 500), file('d', 1)], 100, 100)
    expect(batches.map((batch) => batch.map((picked) => picked.name))).toEqual([['a', 'b'], ['c'], ['huge'], ['d']])
  })

  it('are none for no files', () => {
    expect(intoBatches([])).toEqual([])
  })
})

describe('what nobody means to send', () => {
  it.each(['.DS_Store', 'CD/Thumbs.db', 'a/b/desktop.ini', 'CD/._IM0001'])('%s is left out', (name) => {
    expect(isJunk(name)).toBe(true)
  })
  it.each(['IM000001', 'DICOMDIR', 'a/thumbs.dbx', 'x.dcm', '.hidden.dcm'])('%s is sent', (name) => {
    expect(isJunk(name)).toBe(false)
  })
})
