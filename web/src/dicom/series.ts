import { Attributes, type DataSet } from './attributes'
import { frameCalibration } from './calibration'
import { frameAttributes, frameOrder } from './frames'
import { add, length, planeOf, scale, subtract, type Plane } from './geometry'
import { pixelFormatOf } from './pixels'
import { splitFrames, traitKey, type Trait } from './splitting'

/** The part of the server's series document that display needs. */
export interface SeriesDocumentLike {
  series_uid: string
  study_uid: string
  instance_count: number
  shared: DataSet
  instances: readonly {
    sop_uid: string
    sop_class: string
    frames: number
    transfer_syntax: string
    attributes: DataSet
    digest: string
    frame_urls_base: string
  }[]
}

/** One picture: a frame of an object, with everything that is known about it before its pixels arrive. */
export class Frame {
  private known: Attributes | undefined
  private place: Plane | undefined | null = null

  constructor(
    readonly studyUid: string,
    readonly seriesUid: string,
    readonly sopUid: string,
    /** 1-based, as in a frame's address. */
    readonly number: number,
    readonly url: string,
    readonly transferSyntax: string,
    /** Digest of the object: pixels kept in memory are good for this content only. */
    readonly digest: string,
    private readonly instance: Attributes,
  ) {}

  /** Merged on first use: a series of a thousand frames is opened for its first one. */
  get attributes(): Attributes {
    return (this.known ??= frameAttributes(this.instance, this.number - 1))
  }

  get plane(): Plane | undefined {
    if (this.place === null) this.place = this.inSpace()
    return this.place
  }

  private inSpace(): Plane | undefined {
    const plane = planeOf(this.attributes)
    const offsets = plane === undefined ? [] : this.instance.numbers('GridFrameOffsetVector')
    const [first = 0, own] = [offsets[0], offsets[this.number - 1]]
    // A dose grid states the place of its first plane, and how far along the normal the others are (PS3.3 C.8.8.3.2).
    if (plane === undefined || own === undefined) return plane
    return { ...plane, origin: add(plane.origin, scale(plane.normal, own - first)) }
  }

  /** The plane to draw on: the true one, or a flat sheet of the right pixel shape for a frame that has no place in space. */
  get sheet(): Plane {
    return this.plane ?? this.flat()
  }

  private flat(): Plane {
    const of = this.attributes
    return {
      origin: [0, 0, 0],
      row: [1, 0, 0],
      column: [0, 1, 0],
      normal: [0, 0, 1],
      spacing: frameCalibration(of).spacing,
      size: [of.number('Rows') ?? 1, of.number('Columns') ?? 1],
      // No other object shares this sheet, so nothing is ever linked or drawn across by it.
      frameOfReference: `sheet:${this.sopUid}:${this.number}`,
    }
  }
}

export interface ImageStack {
  kind: 'images'
  id: string
  studyUid: string
  seriesUid: string
  modality: string
  frames: readonly Frame[]
  instanceCount: number
  /** Frames in time, to be played; not slices in space. */
  isCine: boolean
  /** Position among the stacks of its series, when the series is shown in several. */
  part: { index: number; of: number } | undefined
  /** What sets it apart from the other stacks of its series; empty when nothing had to be split. */
  traits: readonly Trait[]
}

export type DocumentForm = 'report' | 'pdf' | 'waveform' | 'video' | 'other'

/** An object that has no picture. */
export interface DocumentStack {
  kind: 'document'
  id: string
  studyUid: string
  seriesUid: string
  modality: string
  form: DocumentForm
  sopUid: string
  sopClass: string
  attributes: Attributes
  instanceCount: 1
  part: { index: number; of: number } | undefined
}

export type Stack = ImageStack | DocumentStack

const VIDEO = /^1\.2\.840\.10008\.1\.2\.4\.10[0-8](\.1)?$/
const CINE_MODALITIES = new Set(['US', 'XA', 'RF', 'IVUS', 'ES', 'XC', 'GM', 'OP', 'NM', 'EC'])

type Instance = SeriesDocumentLike['instances'][number]

function formOf(instance: Instance, attributes: Attributes): DocumentForm | undefined {
  if (VIDEO.test(instance.transfer_syntax)) return 'video'
  if (attributes.text('MIMETypeOfEncapsulatedDocument').toLowerCase() === 'application/pdf') return 'pdf'
  if (attributes.has('WaveformSequence')) return 'waveform'
  if (attributes.has('ContentSequence') && !attributes.has('Rows')) return 'report'
  return pixelFormatOf(attributes) === undefined ? 'other' : undefined
}

function framesOf(document: SeriesDocumentLike, instance: Instance, attributes: Attributes): Frame[] {
  const path = `/dicom-web/studies/${document.study_uid}/series/${document.series_uid}/instances/${instance.sop_uid}/frames/`
  const base = instance.frame_urls_base === '' ? path : instance.frame_urls_base
  return frameOrder(attributes, Math.max(1, instance.frames)).map(
    (index) =>
      new Frame(document.study_uid, document.series_uid, instance.sop_uid, index + 1, `${base}${index + 1}`, instance.transfer_syntax, instance.digest, attributes),
  )
}

/** Frames that lie beside each other in space, not one after another in one place. */
function isSpread(frames: readonly Frame[]): boolean {
  const [first, last] = [frames[0]?.plane, frames.at(-1)?.plane]
  return first !== undefined && last !== undefined && length(subtract(last.origin, first.origin)) > 0
}

function isCine(attributes: Attributes, frames: readonly Frame[]): boolean {
  if (frames.length < 2 || isSpread(frames)) return false
  return ['FrameTime', 'FrameTimeVector', 'CineRate', 'RecommendedDisplayFrameRate'].some((keyword) => attributes.has(keyword as 'FrameTime')) ||
    CINE_MODALITIES.has(attributes.text('Modality'))
}

type Common = Pick<ImageStack, 'studyUid' | 'seriesUid' | 'modality'>

/** Frames that belong together, as one stack or as several that have names. */
function imageStacks(common: Common, id: string, frames: readonly Frame[], attributes: Attributes): ImageStack[] {
  const parts = splitFrames(frames)
  return parts.map((part) => ({
    ...common,
    kind: 'images',
    id: parts.length === 1 ? id : `${id}#${traitKey(part.traits)}`,
    frames: part.frames,
    instanceCount: new Set(part.frames.map((frame) => frame.sopUid)).size,
    isCine: isCine(attributes, part.frames),
    part: undefined,
    traits: part.traits,
  }))
}

/**
 * What a series shows, each frame once: its single images together, every multi-frame object by itself, both split where they
 * hold several stacks; every object without a picture as itself.
 */
export function stacksOf(document: SeriesDocumentLike): Stack[] {
  const groups: (Stack | { frames: Frame[]; attributes: Attributes; common: Common; id: string })[] = []
  let singles: Frame[] | undefined
  for (const instance of document.instances) {
    const attributes = new Attributes([instance.attributes, document.shared])
    const common = { studyUid: document.study_uid, seriesUid: document.series_uid, modality: attributes.text('Modality') }
    const id = `${document.series_uid}/${instance.sop_uid}`
    const form = formOf(instance, attributes)
    if (form !== undefined) {
      groups.push({ ...common, id, part: undefined, kind: 'document', form, sopUid: instance.sop_uid, sopClass: instance.sop_class, attributes, instanceCount: 1 })
      continue
    }
    const frames = framesOf(document, instance, attributes)
    if (frames.length > 1) groups.push({ frames, attributes, common, id })
    else if (singles !== undefined) singles.push(...frames)
    else {
      singles = frames
      groups.push({ frames, attributes, common, id: document.series_uid })
    }
  }
  const stacks = groups.flatMap((group) => ('kind' in group ? [group] : imageStacks(group.common, group.id, group.frames, group.attributes)))
  return stacks.length < 2 ? stacks : stacks.map((stack, index) => ({ ...stack, part: { index: index + 1, of: stacks.length } }))
}

/** Count in = count shown: how many objects the stacks account for. A multi-frame object may be in several of them. */
export function shownInstances(stacks: readonly Stack[]): number {
  return new Set(stacks.flatMap((stack) => (stack.kind === 'document' ? [stack.sopUid] : stack.frames.map((frame) => frame.sopUid)))).size
}
