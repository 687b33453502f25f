import { fetchBytes } from '@/api/bytes'
import { type Attributes, type Element } from '@/dicom/attributes'
import { expandSegments, lutItem, readLut, type Lut, type LutData, type Palette } from '@/dicom/lut'
import { type Keyword } from '@/dicom/tags'

const kept = new Map<string, Promise<Uint8Array>>()

/** Bulk data never changes under its address; a LUT is shared by all images of a series. */
function bulk(uri: string): Promise<Uint8Array> {
  const known = kept.get(uri)
  if (known !== undefined) return known
  const loading = fetchBytes(uri, { accept: 'application/octet-stream' }).then((answer) => answer.bytes)
  kept.set(uri, loading)
  loading.catch(() => kept.delete(uri))
  if (kept.size > 200) kept.delete(kept.keys().next().value ?? '')
  return loading
}

/** The binary value of an element, wherever it is kept. */
export async function binaryOf(element: Element | undefined): Promise<LutData | undefined> {
  if (element === undefined) return undefined
  if (element.Value !== undefined) return element.Value.map(Number)
  if (element.InlineBinary !== undefined) return Uint8Array.from(atob(element.InlineBinary), (character) => character.charCodeAt(0))
  return element.BulkDataURI === undefined ? undefined : bulk(element.BulkDataURI)
}

async function lutsOf(sequence: Attributes[], signed: boolean): Promise<Lut[]> {
  const luts = await Promise.all(
    sequence.map(async (item) => {
      const data = await binaryOf(item.element('LUTData'))
      return data === undefined ? undefined : lutItem(item, data, signed)
    }),
  )
  return luts.filter((lut) => lut !== undefined)
}

const isSigned = (of: Attributes): boolean => of.number('PixelRepresentation') === 1

export async function modalityLut(of: Attributes): Promise<Lut | undefined> {
  const items = of.items('ModalityLUTSequence')
  return items.length === 0 ? undefined : (await lutsOf(items.slice(0, 1), isSigned(of)))[0]
}

export async function voiLuts(of: Attributes): Promise<Lut[]> {
  const items = of.items('VOILUTSequence')
  if (items.length === 0) return []
  // Inputs of a VOI LUT are modality values: signed when these can be negative.
  const signed = isSigned(of) || (of.number('RescaleIntercept') ?? 0) < 0
  return lutsOf(items, signed)
}

/** The table of a presentation LUT; its inputs are grey levels, so never signed. */
export async function presentationLut(of: Attributes): Promise<Lut | undefined> {
  const items = of.items('PresentationLUTSequence')
  return items.length === 0 ? undefined : (await lutsOf(items.slice(0, 1), false))[0]
}

const CHANNELS = ['Red', 'Green', 'Blue'] as const

async function paletteChannel(of: Attributes, channel: (typeof CHANNELS)[number]): Promise<Lut | undefined> {
  const name = `${channel}PaletteColorLookupTable` as const
  const descriptor = of.numbers(`${name}Descriptor`)
  const plain = await binaryOf(of.element(`${name}Data`))
  if (plain !== undefined) return readLut(descriptor, plain, isSigned(of))
  const segmented = await binaryOf(of.element(`Segmented${name}Data` satisfies Keyword))
  const expanded = segmented === undefined ? undefined : expandSegments(segmented)
  return expanded === undefined ? undefined : readLut(descriptor, expanded, isSigned(of))
}

export async function paletteOf(of: Attributes): Promise<Palette | undefined> {
  if (of.text('PhotometricInterpretation').toUpperCase() !== 'PALETTE COLOR') return undefined
  const [red, green, blue] = await Promise.all(CHANNELS.map((channel) => paletteChannel(of, channel)))
  return red !== undefined && green !== undefined && blue !== undefined ? { red, green, blue } : undefined
}
