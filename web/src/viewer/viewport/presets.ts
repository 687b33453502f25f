import { makeWindow, percentileWindow, fullRangeWindow, windowFromRange, type Voi } from '@/dicom/window'
import { type Picture } from '../pixels/picture'

/** A named way to see: a fixed window, one of the object's own, or one computed from the picture. */
export type VoiChoice =
  | { kind: 'header'; index: number }
  | { kind: 'preset'; name: PresetName; center: number; width: number }
  | { kind: 'auto'; how: 'percentile' | 'range' }
  | { kind: 'user'; voi: Voi }

export type PresetName =
  | 'soft'
  | 'lung'
  | 'liver'
  | 'bone'
  | 'brain'
  | 'stroke'
  | 'subdural'
  | 'mediastinum'
  | 'angio'
  | 'abdomen'
  | 'spine'
  | 'temporal'

const CT: readonly (readonly [PresetName, number, number])[] = [
  ['soft', 40, 400],
  ['lung', -600, 1500],
  ['liver', 90, 150],
  ['bone', 480, 2500],
  ['brain', 40, 80],
  ['stroke', 40, 40],
  ['subdural', 80, 200],
  ['mediastinum', 50, 350],
  ['angio', 300, 600],
  ['abdomen', 60, 400],
  ['spine', 50, 250],
  ['temporal', 600, 4000],
]

/** A window by its name, for protocols. */
export function presetNamed(wanted: string): VoiChoice | undefined {
  const found = CT.find(([name]) => name === wanted)
  return found && { kind: 'preset', name: found[0], center: found[1], width: found[2] }
}

/** What the number keys offer for a picture: 1 to 9, in this order. Hounsfield windows only where the values are HU. */
export function presetsFor(picture: Picture, unit: string): VoiChoice[] {
  if (picture.colour) return []
  if (unit === 'HU') return CT.map(([name, center, width]) => ({ kind: 'preset', name, center, width }))
  const own = picture.headerVois.map((_, index): VoiChoice => ({ kind: 'header', index }))
  return [...own.slice(0, 7), { kind: 'auto', how: 'percentile' }, { kind: 'auto', how: 'range' }]
}

function automatic(picture: Picture, how: 'percentile' | 'range'): Voi {
  const { extent, pixels, isPadding, format } = picture
  if (how === 'percentile') return percentileWindow(pixels, isPadding)
  // Eight-bit pictures without a window were made to be seen as they are.
  const isPlainByte = format.bitsStored <= 8 && !format.signed && picture.rescale.slope === 1 && picture.rescale.intercept === 0
  if (isPlainByte && format.bitsStored === 8) return makeWindow(128, 256)
  return fullRangeWindow({ lower: extent.min, upper: extent.max })
}

/** How a picture without a window of its own is first shown. */
function first(picture: Picture): Voi {
  return automatic(picture, picture.frame.attributes.text('Modality') === 'MR' ? 'percentile' : 'range')
}

const AS_IT_IS = windowFromRange({ lower: 0, upper: 255 })

/** The window or table that a choice means for this picture; colours are shown as they are. */
export function resolveVoi(choice: VoiChoice, picture: Picture): Voi {
  if (picture.colour) return AS_IT_IS
  switch (choice.kind) {
    case 'user':
      return choice.voi
    case 'preset':
      return makeWindow(choice.center, choice.width)
    case 'auto':
      return automatic(picture, choice.how)
    case 'header':
      return (picture.headerVois[choice.index] ?? picture.headerVois[0])?.voi ?? first(picture)
  }
}

/** Whether black and white begin exchanged by custom: nuclear uptake is read dark on white. */
export function beginsInverted(picture: Picture): boolean {
  if (picture.colour) return false
  return picture.frame.attributes.text('Modality') === 'PT'
}

/** MONOCHROME1 shows its smallest value white (PS3.3 C.7.6.3.1.2); a presentation LUT shape can say the same. */
export function isNaturallyInverse(picture: Picture): boolean {
  if (picture.colour) return false
  const of = picture.frame.attributes
  return picture.format.photometric === 'MONOCHROME1' || of.text('PresentationLUTShape') === 'INVERSE'
}
