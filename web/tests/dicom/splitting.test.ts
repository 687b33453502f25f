import { describe, expect, it } from 'vitest'
import { arrangementOf } from '@/dicom/arrangement'
import { type DataSet } from '@/dicom/attributes'
import { shownInstances, stacksOf, type ImageStack, type SeriesDocumentLike } from '@/dicom/series'
import { TAGS, type Keyword } from '@/dicom/tags'

type Values = Partial<Record<Keyword, readonly (string | number | DataSet)[]>>

const dataSet = (values: Values): DataSet =>
  Object.fromEntries(Object.entries(values).map(([keyword, value]) => [TAGS[keyword as Keyword], { vr: keyword.endsWith('Sequence') ? 'SQ' : 'DS', Value: [...value] }]))

const AXIAL = [1, 0, 0, 0, 1, 0]
const SAGITTAL = [0, 1, 0, 0, 0, -1]

const slice = (z: number, more: Values = {}): Values => ({
  Modality: ['MR'], Rows: [4], Columns: [4], BitsAllocated: [16], PixelSpacing: [1, 1], FrameOfReferenceUID: ['1.9'],
  ImageOrientationPatient: AXIAL, ImagePositionPatient: [0, 0, z], ...more,
})

function series(instances: readonly Values[], frames: readonly number[] = []): SeriesDocumentLike {
  return {
    series_uid: '1.2', study_uid: '1.1', instance_count: instances.length, shared: {},
    instances: instances.map((values, index) => ({
      sop_uid: `1.3.${index}`, sop_class: '1.4', frames: frames[index] ?? 1, transfer_syntax: '1.2.840.10008.1.2.1',
      attributes: dataSet({ InstanceNumber: [index + 1], ...values }), digest: 'd', frame_urls_base: '/f/',
    })),
  }
}

const imagesOf = (document: SeriesDocumentLike): ImageStack[] => stacksOf(document).filter((stack) => stack.kind === 'images')

const named = (stacks: readonly ImageStack[]): string[] =>
  stacks.map((stack) => `${stack.traits.map(({ kind, value, index, of }) => `${kind} ${value}${of > 0 ? `${index}/${of}` : ''}`.trim()).join(', ')}: ${stack.frames.length}`)

const depths = (stack: ImageStack | undefined): (number | undefined)[] => stack?.frames.map((frame) => frame.plane?.origin[2]) ?? []

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index))

describe('guard 7: a series that holds several stacks is split, and nothing of it is dropped', () => {
  it('by b-value, and within it by direction', () => {
    const all = times(4, (z) => [
      slice(z * 5, { DiffusionBValue: [0] }),
      ...times(3, (way) => slice(z * 5, { DiffusionBValue: [1000], DiffusionGradientOrientation: [way, 1 - way, 0] })),
    ]).flat()
    expect(named(imagesOf(series(all)))).toEqual(['bValue 0: 4', 'bValue 1000, direction 1/3: 4', 'bValue 1000, direction 2/3: 4', 'bValue 1000, direction 3/3: 4'])
  })
  it("by the maker's own b-value", () => {
    const siemens = (z: number, b: number): DataSet => ({ ...dataSet(slice(z)), '00190010': { vr: 'LO', Value: ['SIEMENS MR HEADER'] }, '0019100C': { vr: 'IS', Value: [b] } })
    const document = series(times(6, () => ({})))
    const instances = document.instances.map((instance, index) => ({ ...instance, attributes: siemens(Math.floor(index / 2), (index % 2) * 800) }))
    expect(named(imagesOf({ ...document, instances }))).toEqual(['bValue 0: 3', 'bValue 800: 3'])
  })
  it('by echo time', () => {
    const all = times(6, (index) => slice(Math.floor(index / 2) * 3, { EchoTime: [index % 2 === 0 ? 90 : 30] }))
    expect(named(imagesOf(series(all)))).toEqual(['echo 30: 3', 'echo 90: 3'])
  })
  it('by phase of the heart, ten of them', () => {
    const all = times(30, (index) => slice(Math.floor(index / 10) * 8, { TriggerTime: [(index % 10) * 70 + Math.floor(index / 10)] }))
    const stacks = imagesOf(series(all))
    expect(stacks).toHaveLength(10)
    expect(named(stacks)[1]).toBe('phase 2/10: 3')
  })
  it('by moments that differ from slice to slice', () => {
    const all = times(12, (index) => slice((index % 4) * 5, { Modality: ['CT'], AcquisitionTime: [`0830${String(10 + index)}.500`] }))
    expect(named(imagesOf(series(all)))).toEqual(['time 1/3: 4', 'time 2/3: 4', 'time 3/3: 4'])
  })
  it('by image type: water and fat', () => {
    const all = times(8, (index) => slice((index >> 1) * 3, { ImageType: ['DERIVED', 'PRIMARY', 'DIXON', index % 2 === 0 ? 'WATER' : 'FAT'] }))
    expect(named(imagesOf(series(all)))).toEqual(['type WATER: 4', 'type FAT: 4'])
  })
  it('by direction, when localizers of two planes share a series', () => {
    const all = [...times(3, (z) => slice(z * 5)), ...times(3, (x) => slice(0, { ImageOrientationPatient: SAGITTAL, ImagePositionPatient: [x * 5, 0, 0] }))]
    expect(named(imagesOf(series(all)))).toEqual(['plane axial: 3', 'plane sagittal: 3'])
  })
  it('by matrix, and by the size of a pixel', () => {
    const all = [...times(2, (z) => slice(z)), ...times(2, (z) => slice(z + 5, { Rows: [8] })), ...times(2, (z) => slice(z + 9, { PixelSpacing: [0.5, 0.5] }))]
    expect(named(imagesOf(series(all)))).toEqual(['matrix 4 × 4 · 1 mm: 2', 'matrix 4 × 8: 2', 'matrix 4 × 4 · 0.5 mm: 2'])
  })
  it('leaves slices that turn around an axis together and in their order', () => {
    const all = times(6, (index) => slice(0, { ImageOrientationPatient: [Math.cos(index / 2), Math.sin(index / 2), 0, 0, 0, -1] }))
    const [stack, ...others] = imagesOf(series(all))
    expect(others).toEqual([])
    expect(stack?.frames.map((frame) => frame.sopUid)).toEqual(all.map((_, index) => `1.3.${index}`))
    expect(arrangementOf(stack ?? { frames: [] })).toEqual([{ kind: 'turning' }])
  })
  it('does not take what differs from slice to slice for a reason to split', () => {
    const all = times(6, (z) => slice(z * 5, { EchoTime: [30 + z], TriggerTime: [z * 100], AcquisitionNumber: [z] }))
    expect(named(imagesOf(series(all)))).toEqual([': 6'])
  })
  it('puts a screen capture without a place beside the slices', () => {
    const capture: Values = { Modality: ['MR'], Rows: [4], Columns: [4], BitsAllocated: [8] }
    expect(named(imagesOf(series([slice(0), capture, slice(5)])))).toEqual([': 2', 'unplaced: 1'])
  })
  it('splits one enhanced object by its frames', () => {
    const frame = (z: number, b: number): DataSet => dataSet({
      PlanePositionSequence: [dataSet({ ImagePositionPatient: [0, 0, z] })],
      MRDiffusionSequence: [dataSet({ DiffusionBValue: [b] })],
      FrameContentSequence: [dataSet({ DimensionIndexValues: [b === 0 ? 1 : 2, z + 1] })],
    })
    const object = { ...slice(0), PerFrameFunctionalGroupsSequence: times(8, (index) => frame(index >> 1, (index % 2) * 1000)) }
    const document = series([object], [8])
    const stacks = imagesOf(document)
    expect(named(stacks)).toEqual(['bValue 0: 4', 'bValue 1000: 4'])
    expect(shownInstances(stacks)).toBe(1)
    expect(stacks[1]?.frames.map((item) => item.number)).toEqual([2, 4, 6, 8])
  })
  it('by a dimension that only the object itself can explain', () => {
    const frame = (z: number, way: number): DataSet => dataSet({
      PlanePositionSequence: [dataSet({ ImagePositionPatient: [0, 0, z] })],
      FrameContentSequence: [dataSet({ DimensionIndexValues: [way, z + 1] })],
    })
    const object = { ...slice(0), PerFrameFunctionalGroupsSequence: times(6, (index) => frame(index % 3, 1 + Math.floor(index / 3))) }
    expect(named(imagesOf(series([object], [6])))).toEqual(['dimension 1/2: 3', 'dimension 2/2: 3'])
  })
})

describe('order along the normal', () => {
  it('follows position, whatever the order of the objects', () => {
    const order = [0, 1, 4, 2, 3]
    expect(depths(imagesOf(series(order.map((z) => slice(z * 5))))[0])).toEqual([0, 5, 10, 15, 20])
  })
  it('begins where the objects begin', () => expect(depths(imagesOf(series([30, 25, 20, 15].map((z) => slice(z))))[0])).toEqual([30, 25, 20, 15]))
  it('is one for every stack of a series', () => {
    const all = [9, 6, 3].flatMap((z) => [slice(z, { EchoTime: [10] }), slice(z, { EchoTime: [90] })])
    expect(imagesOf(series(all)).map(depths)).toEqual([[9, 6, 3], [9, 6, 3]])
  })
})

describe('guard 7: what is wrong with the arrangement is told', () => {
  const notes = (slices: readonly Values[]): unknown => arrangementOf(imagesOf(series(slices))[0] ?? { frames: [] })
  it('missing slices, between which numbers', () => {
    const kept = times(10, (index) => index).filter((index) => index !== 4 && index !== 5)
    expect(notes(kept.map((index) => slice(index * 3, { InstanceNumber: [index + 36] })))).toEqual([{ kind: 'gap', missing: 2, after: 39, before: 42 }])
  })
  it('by the count of the stack, when others of the series lie between', () => {
    const kept = times(8, (index) => index).filter((index) => index !== 4)
    const all = kept.flatMap((z) => [slice(z * 5, { DiffusionBValue: [0] }), slice(z * 5, { DiffusionBValue: [900] })])
    expect(notes(all)).toEqual([{ kind: 'gap', missing: 1, after: 4, before: 5 }])
  })
  it('an even stack says nothing', () => expect(notes(times(8, (z) => slice(z * 2.5 + (z % 2) * 0.01)))).toEqual([]))
  it('duplicates', () => expect(notes([...times(5, (z) => slice(z * 2)), slice(4)])).toEqual([{ kind: 'duplicates', count: 1 }]))
  it('uneven spacing', () => expect(notes([0, 3, 6, 9, 13, 17.4].map((z) => slice(z)))).toEqual([{ kind: 'uneven', least: 3, most: expect.closeTo(4.4, 5) as number }]))
  it('gantry tilt', () => {
    const tilt = Math.tan((12 * Math.PI) / 180)
    expect(notes(times(6, (z) => slice(z * 5, { ImagePositionPatient: [0, z * 5 * tilt, z * 5] })))).toEqual([{ kind: 'tilt', degrees: expect.closeTo(12, 6) as number }])
  })
  it('a dose grid is spaced by its own offsets', () => {
    const [stack] = imagesOf(series([{ ...slice(0), GridFrameOffsetVector: [0, 2, 4, 6] }], [4]))
    expect(depths(stack)).toEqual([0, 2, 4, 6])
    expect(arrangementOf(stack ?? { frames: [] })).toEqual([])
  })
})

/** Numbers that look random and are the same in every run. */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

describe('guard 7: count in = count shown', () => {
  it.each(times(150, (seed) => seed))('whatever is mixed in a series: %i', (seed) => {
    const random = numbers(seed * 7919 + 1)
    const pick = <T>(...values: T[]): T => values[Math.floor(random() * values.length)] as T
    const maybe = (keyword: Keyword, ...values: (string | number)[]): Values => (random() < 0.5 ? {} : { [keyword]: [pick(...values)] })
    const frames: number[] = []
    const all = times(1 + Math.floor(random() * 60), (): Values => {
      frames.push(pick(1, 1, 1, 1, 3, 7))
      if (random() < 0.1) return pick<Values>({}, { Rows: [2], Columns: [2], BitsAllocated: [8] }, { ContentSequence: [{}] })
      return {
        ...slice(pick(0, 1, 2, 5, 5, 9.99)), ...maybe('DiffusionBValue', 0, 500, 1000), ...maybe('EchoTime', 10, 20, 20.01), ...maybe('TriggerTime', 0, 40, 80),
        ...maybe('AcquisitionNumber', 1, 2), ...maybe('ImageType', 'A', 'B'), ...maybe('Rows', 4, 5), ...maybe('AcquisitionTime', '0900', '090001', 'x'),
        ImageOrientationPatient: pick(AXIAL, AXIAL, SAGITTAL, [0.8, 0.6, 0, 0, 0, -1], [0, 0, 0, 0, 0, 0]),
        ...(random() < 0.2 ? { PerFrameFunctionalGroupsSequence: times(pick(2, 3, 7), () => dataSet({ FrameContentSequence: [dataSet({ DimensionIndexValues: [pick(1, 2)] })] })) } : {}),
      }
    })
    const document = series(all, frames)
    const stacks = stacksOf(document)
    const shown = stacks.flatMap((stack) => (stack.kind === 'document' ? [`${stack.sopUid}/document`] : stack.frames.map((frame) => `${frame.sopUid}/${frame.number}`)))
    expect(new Set(shown).size).toBe(shown.length)
    expect(shownInstances(stacks)).toBe(all.length)
    const pictures = stacks.flatMap((stack) => (stack.kind === 'images' ? stack.frames : []))
    const wanted = document.instances.filter((instance) => pictures.some((frame) => frame.sopUid === instance.sop_uid)).reduce((sum, instance) => sum + instance.frames, 0)
    expect(pictures.length).toBe(wanted)
    expect(new Set(stacks.map((stack) => stack.id)).size).toBe(stacks.length)
    for (const stack of stacks) if (stack.kind === 'images') arrangementOf(stack)
  })
})
