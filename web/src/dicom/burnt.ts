import { type Attributes } from './attributes'

/** Pictures into which devices and people write names, as long as the object does not say that there are none. */
const AT_RISK = new Set(['US', 'OT', 'SC', 'XC', 'ES', 'IVUS', 'GM', 'DOC', 'OP'])
const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7'

/** Guard 12: whether names may stand in the pixels themselves (0028,0301). */
export function mayNameSomebody(of: Attributes): boolean {
  const stated = of.text('BurnedInAnnotation').toUpperCase()
  if (stated !== '') return stated !== 'NO'
  return AT_RISK.has(of.text('Modality')) || of.text('SOPClassUID').startsWith(SECONDARY_CAPTURE)
}
