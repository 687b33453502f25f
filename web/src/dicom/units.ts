import { type Attributes } from './attributes'

const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2'

/** PS3.3 C.11.1.1.2 and C.8.9.1.1.3: what the values after rescale are, in words that a reader knows. */
const RESCALE_TYPES: Readonly<Record<string, string>> = {
  HU: 'HU',
  HU_MOD: 'HU (modified)',
  OD: '×10⁻³ OD',
  PCT: '%',
  MGML: 'mg/ml',
  Z_EFF: 'Zeff',
  ED: '×10²³ e/ml',
  EDW: '% of water',
  US: '',
}

const PET_UNITS: Readonly<Record<string, string>> = {
  BQML: 'Bq/ml',
  CNTS: 'counts',
  GML: 'g/ml',
  CPS: 'counts/s',
  PROPCNTS: 'counts (proportional)',
  PROPCPS: 'counts/s (proportional)',
  CM2ML: 'cm²/ml',
  PCNT: '%',
  MGMINML: 'mg/min/ml',
  UMOLMINML: 'µmol/min/ml',
  MLMING: 'ml/min/g',
  MLG: 'ml/g',
}

/**
 * The unit of the values after rescale, or an empty text: HU only when Rescale Type says so, or when the object is a CT
 * image whose IOD defines it (not a localizer, not a screen capture that calls itself CT).
 */
export function valueUnit(attributes: Attributes): string {
  const type = attributes.text('RescaleType').toUpperCase()
  if (type !== '') return RESCALE_TYPES[type] ?? type
  const modality = attributes.text('Modality')
  if (modality === 'PT') return PET_UNITS[attributes.text('Units').toUpperCase()] ?? ''
  if (modality === 'RTDOSE') return attributes.text('DoseUnits').toUpperCase() === 'GY' && attributes.has('DoseGridScaling') ? 'Gy' : ''
  const isCt = attributes.text('SOPClassUID') === CT_IMAGE_STORAGE
  const isLocalizer = attributes.texts('ImageType').includes('LOCALIZER')
  const isScaled = attributes.has('RescaleSlope') && attributes.has('RescaleIntercept')
  return isCt && isScaled && !isLocalizer ? 'HU' : ''
}

const UCUM: Readonly<Record<string, string>> = {
  HU: "[hnsf'U]",
  'Bq/ml': 'Bq/mL',
  'mg/ml': 'mg/mL',
  'g/ml': 'g/mL',
  '%': '%',
  Gy: 'Gy',
  'cm²/ml': 'cm2/mL',
  'µmol/min/ml': 'umol/min/mL',
  'mg/min/ml': 'mg/min/mL',
  'ml/min/g': 'mL/min/g',
  'ml/g': 'mL/g',
}

/** The code of a unit that readers see; values of no known unit are "no units" (UCUM 1). */
export const ucumOf = (unit: string): string => UCUM[unit] ?? '1'

/** As many digits as the step between two stored values deserves. */
export function formatValue(value: number, slope: number): string {
  if (Number.isInteger(value)) return String(value)
  const digits = Math.min(6, Math.max(0, Math.ceil(-Math.log10(Math.abs(slope) || 1)) + 1))
  return value.toFixed(digits)
}
