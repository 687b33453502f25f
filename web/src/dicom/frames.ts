import { Attributes, type DataSet, type Element } from './attributes'
import { type Keyword } from './tags'

/**
 * Functional group macros whose items speak about the frame itself. The others (derivation, references) hold attributes
 * of other objects under the same tags, which must not be taken for the frame's.
 */
const MACROS: readonly Keyword[] = [
  'PixelMeasuresSequence',
  'PlanePositionSequence',
  'PlaneOrientationSequence',
  'FrameVOILUTSequence',
  'PixelValueTransformationSequence',
  'FrameContentSequence',
  'FrameAnatomySequence',
  'MREchoSequence',
  'MRTimingAndRelatedParametersSequence',
  'MRDiffusionSequence',
  'CTXRayDetailsSequence',
  'CTExposureSequence',
  'CTReconstructionSequence',
  'CTAcquisitionDetailsSequence',
  'CTImageFrameTypeSequence',
  'MRImageFrameTypeSequence',
  'MRModifierSequence',
  'PETFrameTypeSequence',
  'TemporalPositionSequence',
  'CardiacSynchronizationSequence',
]

function flatten(groups: Attributes | undefined): DataSet | undefined {
  if (groups === undefined) return undefined
  const out: Record<string, Element> = {}
  for (const macro of MACROS) {
    for (const item of groups.items(macro)) Object.assign(out, item.layers[0])
  }
  return out
}

/** What holds for one frame (0-based): its functional groups over those shared by all, over the object (PS3.3 C.7.6.16). */
export function frameAttributes(instance: Attributes, frame: number): Attributes {
  const perFrame = instance.values('PerFrameFunctionalGroupsSequence')[frame]
  const own = typeof perFrame === 'object' && perFrame !== null ? flatten(new Attributes([perFrame as DataSet])) : undefined
  const shared = flatten(instance.items('SharedFunctionalGroupsSequence')[0])
  const layers = [own, shared].filter((layer): layer is DataSet => layer !== undefined)
  return layers.length === 0 ? instance : new Attributes([...layers, ...instance.layers])
}

/**
 * The order in which the frames of one object are shown, 0-based: by dimension index values where all frames have them
 * (PS3.3 C.7.6.17), else as encoded.
 */
export function frameOrder(instance: Attributes, count: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index)
  const frames = instance.items('PerFrameFunctionalGroupsSequence')
  if (frames.length !== count) return order
  const keys = frames.map((frame) => frame.items('FrameContentSequence')[0]?.numbers('DimensionIndexValues') ?? [])
  const size = keys[0]?.length ?? 0
  if (size === 0 || keys.some((key) => key.length !== size)) return order
  return order.sort((a, b) => {
    for (let axis = 0; axis < size; axis += 1) {
      const difference = (keys[a]?.[axis] ?? 0) - (keys[b]?.[axis] ?? 0)
      if (difference !== 0) return difference
    }
    return a - b
  })
}

