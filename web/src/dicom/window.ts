import { type Attributes } from './attributes'
import { lookUp, type Lut } from './lut'

export type VoiFunction = 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID'

export interface Window {
  kind: 'window'
  center: number
  width: number
  fn: VoiFunction
}

export interface VoiLut {
  kind: 'lut'
  lut: Lut
}

/** How values become grey: a window or a table (PS3.3 C.11.2). */
export type Voi = Window | VoiLut

export interface NamedVoi {
  voi: Voi
  /** The object's own explanation, such as NORMAL or HARDER; may be empty. */
  name: string
}

export function voiFunctionOf(attributes: Attributes): VoiFunction {
  const name = attributes.text('VOILUTFunction').toUpperCase()
  return name === 'SIGMOID' || name === 'LINEAR_EXACT' ? name : 'LINEAR'
}

/** A window that can be drawn: LINEAR needs a width of at least 1, the others more than 0 (C.11.2.1.2, C.11.2.1.3). */
export function makeWindow(center: number, width: number, fn: VoiFunction = 'LINEAR'): Window {
  return { kind: 'window', center, width: Math.max(width, fn === 'LINEAR' ? 1 : 1e-6), fn }
}

/** The windows that the object brings along. */
export function headerWindows(attributes: Attributes): NamedVoi[] {
  const centers = attributes.numbers('WindowCenter')
  const widths = attributes.numbers('WindowWidth')
  const names = attributes.texts('WindowCenterWidthExplanation')
  const fn = voiFunctionOf(attributes)
  return centers.flatMap((center, index) => {
    const width = widths[index]
    // A width of 0 is found in the field and means that nobody set one.
    if (width === undefined || width <= 0) return []
    // A LINEAR window of 1 is a step between two whole numbers; over fractions it was meant as the exact form.
    const form = fn === 'LINEAR' && width <= 1 && isFractional(attributes) ? 'LINEAR_EXACT' : fn
    return [{ voi: makeWindow(center, width, form), name: names[index] ?? '' }]
  })
}

function isFractional(attributes: Attributes): boolean {
  return !Number.isInteger(attributes.number('RescaleSlope') ?? 1) || !attributes.has('BitsStored')
}

export interface Range {
  lower: number
  upper: number
}

/** Inputs that become black and white. A sigmoid never gets there: its range is where it is visibly neither. */
export function rangeOf(voi: Voi): Range {
  if (voi.kind === 'lut') return { lower: voi.lut.first, upper: voi.lut.first + voi.lut.values.length - 1 }
  const { center, width, fn } = voi
  if (fn === 'LINEAR') return { lower: center - 0.5 - (width - 1) / 2, upper: center - 0.5 + (width - 1) / 2 }
  const half = fn === 'SIGMOID' ? width * 2 : width / 2
  return { lower: center - half, upper: center + half }
}

export function windowFromRange({ lower, upper }: Range): Window {
  return makeWindow((lower + upper) / 2 + 0.5, upper - lower + 1)
}

/** The grey level of a value, 0 to 1, exactly as the standard defines it: the truth that the screen is tested against. */
export function greyLevel(voi: Voi, value: number): number {
  if (voi.kind === 'lut') return lookUp(voi.lut, value) / (2 ** voi.lut.bits - 1)
  if (voi.fn === 'SIGMOID') return 1 / (1 + Math.exp((-4 * (value - voi.center)) / voi.width))
  const { lower, upper } = rangeOf(voi)
  if (value <= lower) return 0
  return value > upper ? 1 : (value - lower) / (upper - lower)
}

export interface Node {
  value: number
  grey: number
}

/** Most nodes that are worth drawing: the colour table on the graphics side has 1024 samples. */
const SAMPLES = 1024

/** What a presentation LUT makes of a grey level, straight between its entries (PS3.3 C.11.6). */
function presented(grey: number, table: Lut | undefined): number {
  if (table === undefined) return grey
  const at = grey * (table.values.length - 1)
  const [low, high] = [table.values[Math.floor(at)] ?? 0, table.values[Math.ceil(at)] ?? 0]
  return (low + (high - low) * (at - Math.floor(at))) / (2 ** table.bits - 1)
}

/** The curve as straight pieces between nodes, for a transfer function. */
export function curveOf(voi: Voi, inverted: boolean, presentation?: Lut): Node[] {
  const { lower, upper } = rangeOf(voi)
  const plain = (value: number): number => presented(greyLevel(voi, value), presentation)
  const grey = (value: number): number => (inverted ? 1 - plain(value) : plain(value))
  if (voi.kind === 'window' && voi.fn !== 'SIGMOID' && presentation === undefined) {
    const [black, white] = inverted ? [1, 0] : [0, 1]
    // A width of 1 is a step; a colour table cannot have two nodes at one value.
    return [
      { value: lower, grey: black },
      { value: Math.max(upper, lower + 1e-3), grey: white },
    ]
  }
  const steps = Math.max(1, Math.min(SAMPLES, voi.kind === 'lut' && presentation === undefined ? Math.max(1, upper - lower) : SAMPLES))
  return Array.from({ length: steps + 1 }, (_, index) => {
    const value = lower + ((Math.max(upper, lower + 1e-3) - lower) * index) / steps
    return { value, grey: grey(value) }
  })
}

/** A window over what is really in the picture, for objects that bring none. */
export function fullRangeWindow({ lower, upper }: Range): Window {
  if (upper <= lower) return windowFromRange({ lower, upper: lower + 1 })
  // LINEAR speaks of whole numbers: its width counts them. Fractions need the exact form.
  if (Number.isInteger(lower) && Number.isInteger(upper)) return windowFromRange({ lower, upper })
  return makeWindow((lower + upper) / 2, upper - lower, 'LINEAR_EXACT')
}

/** A window between two percentiles of the values, background left out: what MR without a usable header window needs. */
export function percentileWindow(values: ArrayLike<number>, padding: (value: number) => boolean, low = 0.01, high = 0.99): Window {
  const stride = Math.max(1, Math.floor(values.length / 50_000))
  const sample: number[] = []
  for (let index = 0; index < values.length; index += stride) {
    const value = values[index] ?? 0
    if (!padding(value)) sample.push(value)
  }
  sample.sort((a, b) => a - b)
  const at = (part: number): number => sample[Math.min(sample.length - 1, Math.floor(part * sample.length))] ?? 0
  return sample.length === 0 ? makeWindow(0, 1) : fullRangeWindow({ lower: at(low), upper: at(high) })
}

/** Changes a window by a drag: to the right wider, downwards darker... in steps that suit the values' range. */
export function dragWindow(window: Window, dx: number, dy: number, step: number): Window {
  return makeWindow(window.center + dy * step, Math.max(window.fn === 'LINEAR' ? 1 : step, window.width + dx * step), window.fn)
}
