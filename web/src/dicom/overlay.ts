import { formatDicomDate, formatDicomTime } from '@/kit/format/dicomdate'
import { type Attributes } from './attributes'

/** Words that need translation carry a key and values; what the object itself says stays as it is. */
export type OverlayLine =
  | { text: string }
  | { key: OverlayKey; values: Readonly<Record<string, string>> }
  | { name: string }
  /** Birth date and examination date as sent: age is age at the examination. */
  | { born: string; examined: string; sex: string }

export type OverlayKey =
  | 'location'
  | 'thickness'
  | 'tube'
  | 'contrast'
  | 'kernel'
  | 'mrTiming'
  | 'field'
  | 'bValue'
  | 'compression'
  | 'angles'
  | 'accession'

export interface Overlay {
  topLeft: OverlayLine[]
  topRight: OverlayLine[]
  bottomLeft: OverlayLine[]
  /** R, L or B of a projection, with the view: written large. */
  side: string
}

const number = (value: number | undefined, digits = 1): string => (value === undefined ? '' : String(Number(value.toFixed(digits))))

function text(...parts: string[]): OverlayLine[] {
  const joined = parts.filter((part) => part !== '').join(' ')
  return joined === '' ? [] : [{ text: joined }]
}

function keyed(key: OverlayKey, values: Readonly<Record<string, string>>, needed = Object.keys(values)): OverlayLine[] {
  return needed.every((name) => values[name] !== '') ? [{ key, values }] : []
}

function patient(of: Attributes): OverlayLine[] {
  const id = [of.text('PatientID'), of.text('IssuerOfPatientID')].filter((part) => part !== '').join(' · ')
  return [
    { name: of.text('PatientName') },
    ...text(id),
    { born: of.text('PatientBirthDate'), examined: of.text('StudyDate'), sex: of.text('PatientSex') },
  ]
}

function study(of: Attributes): OverlayLine[] {
  return [
    ...text(of.text('InstitutionName')),
    ...text(formatDicomDate(of.text('StudyDate')), formatDicomTime(of.text('StudyTime'), true)),
    ...text(of.text('StudyDescription')),
    ...keyed('accession', { value: of.text('AccessionNumber') }),
  ]
}

function place(of: Attributes): OverlayLine[] {
  return [
    ...keyed('location', { value: number(of.number('SliceLocation') ?? of.numbers('ImagePositionPatient')[2], 1) }),
    ...keyed('thickness', { value: number(of.number('SliceThickness'), 2) }),
  ]
}

function tube(of: Attributes): OverlayLine[] {
  const product = ((of.number('XRayTubeCurrent') ?? 0) * (of.number('ExposureTime') ?? 0)) / 1000
  const mas = of.number('Exposure') ?? (product > 0 ? product : undefined)
  const [kvp, charge] = [number(of.number('KVP'), 0), number(mas, 1)]
  if (kvp !== '' && charge !== '') return [{ key: 'tube', values: { kvp, mas: charge } }]
  return kvp === '' ? [] : [{ text: `${kvp} kV` }]
}

function magnet(of: Attributes): OverlayLine[] {
  const tr = number(of.number('RepetitionTime'), 0)
  const te = number(of.number('EffectiveEchoTime') ?? of.number('EchoTime'), 1)
  const ti = number(of.number('InversionTime'), 0)
  const timing = [tr === '' ? '' : `TR ${tr}`, te === '' ? '' : `TE ${te}`, ti === '' ? '' : `TI ${ti}`].filter((part) => part !== '')
  return [
    ...(timing.length > 0 ? ([{ key: 'mrTiming', values: { value: timing.join(' · ') } }] satisfies OverlayLine[]) : []),
    ...keyed('bValue', { value: number(of.number('DiffusionBValue'), 0) }),
    ...keyed('field', { value: number(of.number('MagneticFieldStrength'), 2) }),
  ]
}

function breast(of: Attributes): OverlayLine[] {
  const values = { force: number(of.number('CompressionForce'), 0), thickness: number(of.number('BodyPartThickness'), 0) }
  const dose = of.number('OrganDose')
  const glandular = dose === undefined ? [] : text(`AGD ${number(dose * DECIGRAY_TO_MILLIGRAY, 2)} mGy`)
  return [...tube(of), ...keyed('compression', values), ...glandular]
}

/** (0040,0316) is in dGy (PS3.3 C.8.11.7). */
const DECIGRAY_TO_MILLIGRAY = 100

function ultrasound(of: Attributes): OverlayLine[] {
  const indices = ([['MI', 'MechanicalIndex'], ['TIS', 'SoftTissueThermalIndex'], ['TIB', 'BoneThermalIndex'], ['TIC', 'CranialThermalIndex']] as const)
    .map(([name, keyword]) => [name, number(of.number(keyword), 1)] as const)
    .filter(([, value]) => value !== '')
  return text(indices.map(([name, value]) => `${name} ${value}`).join(' · '))
}

function tracer(of: Attributes): OverlayLine[] {
  const item = of.items('RadiopharmaceuticalInformationSequence')[0]
  const dose = item?.number('RadionuclideTotalDose')
  // In Bq; some writers mean MBq, which as Bq would be nothing at all.
  const activity = dose === undefined || dose <= 0 ? '' : `${number(dose > 1e4 ? dose / 1e6 : dose, 0)} MBq`
  return text([item?.text('Radiopharmaceutical') ?? '', activity].filter((part) => part !== '').join(' · '))
}

function projection(of: Attributes): OverlayLine[] {
  const values = { primary: number(of.number('PositionerPrimaryAngle'), 1), secondary: number(of.number('PositionerSecondaryAngle'), 1) }
  return [...tube(of), ...keyed('angles', values)]
}

/** What each kind of picture says at the lower left, most important first. */
const TEMPLATES: Readonly<Record<string, (of: Attributes) => OverlayLine[]>> = {
  CT: (of) => [...place(of), ...tube(of), ...keyed('kernel', { value: of.text('ConvolutionKernel') })],
  MR: (of) => [...place(of), ...magnet(of)],
  PT: (of) => [...place(of), ...tracer(of)],
  NM: (of) => [...place(of), ...tracer(of)],
  US: ultrasound,
  MG: breast,
  CR: projection,
  DX: projection,
  RG: projection,
  XA: projection,
  RF: projection,
}

const PROJECTIONS = new Set(['MG', 'CR', 'DX', 'RG', 'IO', 'PX', 'RF'])

const VIEW_CODES: readonly (readonly [RegExp, string])[] = [
  [/cranio-?caudal/i, 'CC'],
  [/medio-?lateral oblique/i, 'MLO'],
  [/latero-?medial/i, 'LM'],
  [/medio-?lateral/i, 'ML'],
]

function sideOf(of: Attributes): string {
  if (!PROJECTIONS.has(of.text('Modality'))) return ''
  const side = of.text('ImageLaterality') || of.text('FrameLaterality') || of.text('Laterality')
  const meaning = of.meaning('ViewCodeSequence')
  const view = of.text('ViewPosition') || (VIEW_CODES.find(([pattern]) => pattern.test(meaning))?.[1] ?? '')
  return [side, view].filter((part) => part !== '').join(' ')
}

/** The words in the corners of one frame; the lower right corner belongs to the viewport's own state. */
export function overlayOf(of: Attributes): Overlay {
  const template = TEMPLATES[of.text('Modality')] ?? (() => [])
  const series = [of.text('SeriesNumber'), of.text('SeriesDescription') || of.text('ProtocolName')]
  return {
    topLeft: patient(of),
    topRight: study(of),
    bottomLeft: [...text(series.filter((part) => part !== '').join(' · ')), ...template(of), ...keyed('contrast', { value: of.text('ContrastBolusAgent') })],
    side: sideOf(of),
  }
}

export interface Lossy {
  isLossy: boolean
  ratio: string
}

/** Whether information has been lost on the way, once and for all (PS3.3 C.7.6.1.1.5), or is lost in this encoding. */
export function lossyOf(of: Attributes, transferSyntax: string): Lossy {
  const ratio = of.numbers('LossyImageCompressionRatio').at(-1)
  return {
    isLossy: of.text('LossyImageCompression') === '01' || LOSSY_SYNTAXES.has(transferSyntax),
    ratio: ratio === undefined || ratio <= 0 ? '' : number(ratio, 1),
  }
}

const LOSSY_SYNTAXES = new Set([
  '1.2.840.10008.1.2.4.50',
  '1.2.840.10008.1.2.4.51',
  '1.2.840.10008.1.2.4.53',
  '1.2.840.10008.1.2.4.55',
  '1.2.840.10008.1.2.4.81',
])
