import { type Attributes } from './attributes'
import { type Keyword } from './tags'

export type TraitKind =
  | 'bValue'
  | 'direction'
  | 'echo'
  | 'inversion'
  | 'flip'
  | 'kernel'
  | 'energy'
  | 'phase'
  | 'time'
  | 'acquisition'
  | 'type'
  | 'plane'
  | 'matrix'
  | 'frameOfReference'
  | 'stack'
  | 'dimension'
  | 'unplaced'

/** An attribute that may say why several images lie in one place. */
export interface Discriminator {
  kind: TraitKind
  valueOf: (of: Attributes) => string
  /** Told as "2 of 10", because the value itself says nothing to a reader. */
  isRank: boolean
}

const short = (value: number | undefined): string => (value === undefined ? '' : String(Number(value.toFixed(2))))

const firstNumber = (...keywords: Keyword[]) => (of: Attributes): string => {
  for (const keyword of keywords) {
    const value = of.number(keyword)
    if (value !== undefined) return short(value)
  }
  return ''
}

/** Where makers wrote the b-value before the standard had a place for it: creator, its tag, the value's tag. */
const PRIVATE_B: readonly (readonly [RegExp, string, string])[] = [
  [/SIEMENS MR HEADER/i, '00190010', '0019100C'],
  [/GEMS_PARM_01/i, '00430010', '00431039'],
  [/Philips Imaging DD 001/i, '20010010', '20011003'],
]

/** GE adds a thousand million to some values. */
const GE_OFFSET = 1e9

function privateB(of: Attributes): string {
  for (const [creator, creatorTag, tag] of PRIVATE_B) {
    const [name] = of.byTag(creatorTag)?.Value ?? []
    if (typeof name !== 'string' || !creator.test(name)) continue
    const value = Number(of.byTag(tag)?.Value?.[0] ?? NaN)
    if (Number.isFinite(value) && value >= 0) return short(value >= GE_OFFSET ? value - GE_OFFSET : value)
  }
  return ''
}

const bValue = (of: Attributes): string => firstNumber('DiffusionBValue')(of) || privateB(of)

function gradient(of: Attributes): string {
  const nested = of.items('DiffusionGradientDirectionSequence')[0] ?? of
  return nested.numbers('DiffusionGradientOrientation').map((value) => value.toFixed(3)).join(' ')
}

const PLAIN: readonly Discriminator[] = [
  { kind: 'bValue', valueOf: bValue, isRank: false },
  { kind: 'direction', valueOf: gradient, isRank: true },
  { kind: 'echo', valueOf: firstNumber('EffectiveEchoTime', 'EchoTime'), isRank: false },
  { kind: 'inversion', valueOf: firstNumber('InversionTimes', 'InversionTime'), isRank: false },
  { kind: 'flip', valueOf: firstNumber('FlipAngle'), isRank: false },
  { kind: 'kernel', valueOf: (of) => of.texts('ConvolutionKernel').join(' '), isRank: false },
  { kind: 'energy', valueOf: firstNumber('KVP'), isRank: false },
  { kind: 'phase', valueOf: firstNumber('TemporalPositionIndex', 'TemporalPositionIdentifier'), isRank: true },
  { kind: 'phase', valueOf: firstNumber('NominalPercentageOfCardiacPhase', 'NominalCardiacTriggerDelayTime', 'TriggerTime'), isRank: true },
  { kind: 'stack', valueOf: (of) => of.text('StackID'), isRank: false },
  { kind: 'acquisition', valueOf: firstNumber('AcquisitionNumber'), isRank: true },
]

const dimensionOf = (of: Attributes): number[] => of.numbers('DimensionIndexValues')

/** What may tell these images apart, the most telling first; last the dimensions that an enhanced object counts by. */
export function discriminators(all: readonly Attributes[]): Discriminator[] {
  const axes = Math.max(0, ...all.slice(0, 8).map((of) => dimensionOf(of).length))
  const dimensions = Array.from({ length: axes }, (_, axis): Discriminator => ({ kind: 'dimension', valueOf: (of) => String(dimensionOf(of)[axis] ?? ''), isRank: true }))
  return [...PLAIN, ...dimensions]
}

/** A DICOM date and time as one number that grows, or an empty text. */
function moment(date: string, time: string): string {
  const [seconds = '', fraction = ''] = time.split('.')
  if (!/^\d{2,6}$/.test(seconds)) return ''
  return `${/^\d{8}$/.test(date) ? date.slice(2) : ''}${seconds.padEnd(6, '0')}.${fraction.padEnd(3, '0')}`
}

function dateTime(keyword: Keyword): (of: Attributes) => string {
  return (of) => {
    const text = of.text(keyword).replace(/[+-]\d{4}$/, '')
    return moment(text.slice(0, 8), text.slice(8))
  }
}

const MOMENTS: readonly Omit<Discriminator, 'isRank'>[] = [
  { kind: 'time', valueOf: firstNumber('TemporalPositionTimeOffset') },
  { kind: 'phase', valueOf: firstNumber('TriggerTime') },
  { kind: 'time', valueOf: firstNumber('FrameReferenceTime') },
  { kind: 'time', valueOf: dateTime('FrameAcquisitionDateTime') },
  { kind: 'time', valueOf: dateTime('AcquisitionDateTime') },
  { kind: 'time', valueOf: (of) => moment(of.text('AcquisitionDate'), of.text('AcquisitionTime')) },
  { kind: 'time', valueOf: (of) => moment(of.text('ContentDate'), of.text('ContentTime')) },
]

/** Moments that differ from slice to slice, so that only their order in one place means something. */
export const momentsOf = (): readonly Omit<Discriminator, 'isRank'>[] => MOMENTS

const typeOf = (of: Attributes): string[] => {
  const own = of.texts('FrameType')
  return own.length > 0 ? own : of.texts('ImageType')
}

/** Fewer images of a type than this on average, and the type is no way to sort them. */
const FEWEST_OF_A_TYPE = 1.5

/** The image types among these, and what of each the others do not say: `WATER`, `ADC`, `LOCALIZER`. */
export function imageTypes(all: readonly Attributes[]): { keyOf: (of: Attributes) => string; wordOf: (key: string) => string } {
  const keys = new Set(all.map((of) => typeOf(of).join('\\')))
  if (keys.size < 2 || all.length / keys.size < FEWEST_OF_A_TYPE) return { keyOf: () => '', wordOf: () => '' }
  const lists = [...keys].map((key) => key.split('\\'))
  const common = new Set(lists[0]?.filter((word) => lists.every((list) => list.includes(word))))
  return {
    keyOf: (of) => typeOf(of).join('\\'),
    wordOf: (key) => {
      const words = key.split('\\')
      const own = words.filter((word) => !common.has(word) && word !== '')
      return (own.length > 0 ? own : words.slice(2)).slice(0, 4).join(' ')
    },
  }
}
