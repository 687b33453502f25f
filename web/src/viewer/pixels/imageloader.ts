import { cache, Enums, imageLoader, metaData, utilities, type Types } from '@cornerstonejs/core'
import { type Frame } from '@/dicom/series'
import { rangeOf, windowFromRange } from '@/dicom/window'
import { forgetFirst, takeFirst } from './first'
import { PRIORITY } from './framequeue'
import { forgetPrefixes, loadPicture } from './load'
import { type Picture } from './picture'

const SCHEME = 'heliograph'

const frames = new Map<string, Frame>()
const pictures = new WeakMap<Types.IImage, Picture>()
const priorities = new Map<string, number>()

/** Registers a frame and gives the id by which the drawing library knows it: address and content (guard 1). */
export function imageIdOf(frame: Frame): string {
  const id = `${SCHEME}:${frame.url}#${frame.digest}`
  frames.set(id, frame)
  return id
}

export const frameOf = (imageId: string): Frame | undefined => frames.get(imageId)

export const pictureOf = (image: Types.IImage): Picture | undefined => pictures.get(image)

/** The picture of a frame that is in memory. */
export function pictureOfFrame(frame: Frame): Picture | undefined {
  const image = cache.getImage(imageIdOf(frame))
  return image === undefined ? undefined : pictureOf(image)
}

/** How soon the next load of an image is needed; the library's own options do not reach our queue. */
export function setPriority(imageId: string, priority: number): void {
  priorities.set(imageId, priority)
}

/** Forgets frames and pictures of a case that has been closed: the next reader of this window begins with nothing. */
export function forgetFrames(): void {
  frames.clear()
  priorities.clear()
  forgetFirst()
  forgetPrefixes()
  cache.purgeCache()
}

function toImage(imageId: string, picture: Picture): Types.IImage {
  const { rows, columns, pixels, colour, extent, frame } = picture
  const { spacing } = frame.sheet
  const window = windowFromRange(rangeOf(picture.headerVois[0]?.voi ?? windowFromRange({ lower: extent.min, upper: extent.max })))
  const numberOfComponents = colour ? 3 : 1
  const image = {
    imageId,
    dataType: pixels.constructor.name as Types.PixelDataTypedArrayString,
    color: colour,
    rgba: false,
    numberOfComponents,
    rows,
    columns,
    height: rows,
    width: columns,
    rowPixelSpacing: spacing[0],
    columnPixelSpacing: spacing[1],
    minPixelValue: extent.min,
    maxPixelValue: extent.max,
    // Values are modality values already; the library must not scale them again.
    slope: 1,
    intercept: 0,
    windowCenter: window.center,
    windowWidth: window.width,
    voiLUTFunction: Enums.VOILUTFunctionType.LINEAR,
    invert: false,
    sizeInBytes: pixels.byteLength,
    imageQualityStatus: Enums.ImageQualityStatus.FULL_RESOLUTION,
    photometricInterpretation: colour ? 'RGB' : 'MONOCHROME2',
    imageFrame: { photometricInterpretation: colour ? 'RGB' : 'MONOCHROME2' },
    voxelManager: utilities.VoxelManager.createImageVoxelManager({ scalarData: pixels, width: columns, height: rows, numberOfComponents }),
    getPixelData: () => pixels,
    getCanvas: undefined,
    FrameOfReferenceUID: frame.sheet.frameOfReference,
  } as unknown as Types.IImage
  pictures.set(image, picture)
  return image
}

function load(imageId: string): Types.IImageLoadObject {
  const frame = frames.get(imageId)
  if (frame === undefined) return { promise: Promise.reject(new RangeError('unknown frame')) }
  const picture = takeFirst(frame) ?? loadPicture(frame, priorities.get(imageId) ?? PRIORITY.display)
  const promise = picture.then((loaded) => toImage(imageId, loaded))
  return { promise: promise as unknown as Promise<Record<string, unknown>> } as unknown as Types.IImageLoadObject
}

/** Loads an image once, whoever asks first, and keeps it in the library's cache. */
export function fetchImage(imageId: string): Promise<Types.IImage> {
  const known = cache.getImageLoadObject(imageId) ?? load(imageId)
  if (cache.getImageLoadObject(imageId) === undefined) {
    // The cache passes a failure on to nobody; whoever asked hears of it from the promise itself.
    cache.putImageLoadObject(imageId, known).catch(() => undefined)
  }
  return known.promise
}

/** What the library asks about an image, answered from our own reading of the object. */
function moduleOf(type: string, imageId: string): unknown {
  const frame = frames.get(imageId)
  if (frame === undefined) return undefined
  switch (type) {
    case 'imagePlaneModule':
      return planeModule(frame)
    case 'imagePixelModule':
      return pixelModule(frame)
    case 'generalSeriesModule':
      return { modality: frame.attributes.text('Modality'), seriesInstanceUID: frame.seriesUid, studyInstanceUID: frame.studyUid }
    case 'sopCommonModule':
      return { sopInstanceUID: frame.sopUid, sopClassUID: frame.attributes.text('SOPClassUID') }
    case 'frameModule':
      return { sopInstanceUID: frame.sopUid, frameNumber: frame.number, numberOfFrames: 1 }
    case 'voiLutModule':
    case 'modalityLutModule':
    case 'generalImageModule':
      return {}
    default:
      return undefined
  }
}

function planeModule(frame: Frame): object {
  const { sheet } = frame
  return {
    frameOfReferenceUID: sheet.frameOfReference,
    rows: sheet.size[0],
    columns: sheet.size[1],
    imageOrientationPatient: [...sheet.row, ...sheet.column],
    rowCosines: [...sheet.row],
    columnCosines: [...sheet.column],
    imagePositionPatient: [...sheet.origin],
    rowPixelSpacing: sheet.spacing[0],
    columnPixelSpacing: sheet.spacing[1],
    pixelSpacing: [...sheet.spacing],
    sliceThickness: frame.attributes.number('SliceThickness'),
    usingDefaultValues: false,
  }
}

function pixelModule(frame: Frame): object {
  const of = frame.attributes
  const samples = of.number('SamplesPerPixel') ?? 1
  const colour = samples >= 3 || of.text('PhotometricInterpretation') === 'PALETTE COLOR'
  return {
    // Inversion is ours: the library must see one kind of grey only.
    photometricInterpretation: colour ? 'RGB' : 'MONOCHROME2',
    samplesPerPixel: colour ? 3 : 1,
    rows: of.number('Rows'),
    columns: of.number('Columns'),
    bitsAllocated: of.number('BitsAllocated'),
    bitsStored: of.number('BitsStored'),
    highBit: of.number('HighBit'),
    pixelRepresentation: of.number('PixelRepresentation') ?? 0,
  }
}

/** Teaches the drawing library to load and describe our frames. */
export function registerImages(): void {
  imageLoader.registerImageLoader(SCHEME, load)
  metaData.addProvider((type: string, imageId: unknown) => (typeof imageId === 'string' ? moduleOf(type, imageId) : undefined), 20_000)
}
