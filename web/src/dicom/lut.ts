import { type Attributes } from './attributes'

/** A look-up table (PS3.3 C.11.1.1, C.11.2.1.1): inputs below `first` take the first entry, above the end the last. */
export interface Lut {
  first: number
  /** Bits of an entry: outputs run from 0 to 2^bits - 1. */
  bits: number
  values: Uint16Array
  explanation: string
}

/** What an element carries once its bulk data has been fetched. */
export type LutData = readonly number[] | Uint8Array

const MOST_ENTRIES = 65536

/** Reads a descriptor and its data; nothing when they contradict each other. */
export function readLut(descriptor: readonly number[], data: LutData, signed: boolean, explanation = ''): Lut | undefined {
  const [count, start, bits] = descriptor
  if (count === undefined || start === undefined || bits === undefined || bits < 1 || bits > 16) return undefined
  const entries = count === 0 ? MOST_ENTRIES : count
  if (entries < 1 || entries > MOST_ENTRIES) return undefined
  // A descriptor written as US keeps a negative first input as its two's complement.
  const first = signed && start > 32767 ? start - MOST_ENTRIES : start
  const values = entriesOf(data, entries)
  return values === undefined ? undefined : { first, bits, values, explanation }
}

function entriesOf(data: LutData, entries: number): Uint16Array | undefined {
  if (data instanceof Uint8Array) {
    if (data.length >= entries * 2) {
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
      return Uint16Array.from({ length: entries }, (_, index) => view.getUint16(index * 2, true))
    }
    return data.length >= entries ? Uint16Array.from(data.subarray(0, entries)) : undefined
  }
  if (data.length >= entries) return Uint16Array.from(data.slice(0, entries), (value) => value & 0xffff)
  // Eight-bit entries, two to a word (PS3.3 C.11.2.1.1 of old objects).
  if (data.length * 2 < entries) return undefined
  return Uint16Array.from({ length: entries }, (_, index) => ((data[index >> 1] ?? 0) >> (index % 2 === 0 ? 0 : 8)) & 0xff)
}

export function lookUp(lut: Lut, input: number): number {
  const index = Math.min(Math.max(Math.round(input) - lut.first, 0), lut.values.length - 1)
  return lut.values[index] ?? 0
}

/** Expands a segmented palette (PS3.3 C.7.9.2) to plain entries; nothing when it is malformed. */
export function expandSegments(data: LutData): number[] | undefined {
  const words = data instanceof Uint8Array ? wordsOf(data) : data
  const out: number[] = []
  return expandInto(out, words, 0, words.length, 0) ? out : undefined
}

function wordsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.byteLength >> 1 }, (_, index) => view.getUint16(index * 2, true))
}

function expandInto(out: number[], words: readonly number[], start: number, segments: number, depth: number): boolean {
  let at = start
  for (let done = 0; done < segments && at < words.length; done += 1) {
    const kind = words[at]
    const size = words[at + 1]
    if (size === undefined || out.length > MOST_ENTRIES) return false
    if (kind === 0) {
      out.push(...words.slice(at + 2, at + 2 + size))
      at += 2 + size
    } else if (kind === 1) {
      const [from, to] = [out.at(-1), words[at + 2]]
      if (from === undefined || to === undefined) return false
      for (let step = 1; step <= size; step += 1) out.push(Math.round(from + ((to - from) * step) / size))
      at += 3
    } else if (kind === 2) {
      const offset = (words[at + 2] ?? 0) + (words[at + 3] ?? 0) * 65536
      if (depth > 0 || !expandInto(out, words, offset, size, depth + 1)) return false
      at += 4
    } else {
      return false
    }
  }
  return out.length <= MOST_ENTRIES
}

export interface Palette {
  red: Lut
  green: Lut
  blue: Lut
}

/** Entries of a palette as eight-bit levels, one triple per input from `first` on. */
export function paletteTable(palette: Palette): { first: number; rgb: Uint8Array } {
  const channels = [palette.red, palette.green, palette.blue]
  const size = Math.max(...channels.map((lut) => lut.values.length))
  const rgb = new Uint8Array(size * 3)
  channels.forEach((lut, channel) => {
    // Some writers state 16 bits and fill in eight.
    const shift = lut.bits > 8 && lut.values.some((value) => value > 255) ? lut.bits - 8 : 0
    for (let index = 0; index < size; index += 1) {
      rgb[index * 3 + channel] = (lut.values[Math.min(index, lut.values.length - 1)] ?? 0) >> shift
    }
  })
  return { first: palette.red.first, rgb }
}

/** Reads the one item of a LUT sequence; `dataOf` hands over the item's data, which may have been bulk data. */
export function lutItem(item: Attributes, data: LutData, signed: boolean): Lut | undefined {
  return readLut(item.numbers('LUTDescriptor'), data, signed, item.text('LUTExplanation'))
}
