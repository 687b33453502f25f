import { Attributes, type DataSet } from './attributes'
import { frameCalibration } from './calibration'
import { frameAttributes, frameOrder, isEnhanced } from './frames'
import { planeOf, type Plane } from './geometry'
import { pixelFormatOf } from './pixels'

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
    if (this.place === null) this.place = planeOf(this.attributes)
    return this.place
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

function isCine(attributes: Attributes, frames: number): boolean {
  if (frames < 2 || isEnhanced(attributes)) return false
  return ['FrameTime', 'FrameTimeVector', 'CineRate', 'RecommendedDisplayFrameRate'].some((keyword) => attributes.has(keyword as 'FrameTime')) ||
    CINE_MODALITIES.has(attributes.text('Modality'))
}

/**
 * What a series shows, each object once: its single images as one stack in the document's order, every multi-frame object
 * as a stack of its own, every object without a picture as itself.
 */
export function stacksOf(document: SeriesDocumentLike): Stack[] {
  const stacks: Stack[] = []
  let singles: { frames: Frame[]; stack: ImageStack } | undefined
  for (const instance of document.instances) {
    const attributes = new Attributes([instance.attributes, document.shared])
    const common = {
      id: `${document.series_uid}/${instance.sop_uid}`,
      studyUid: document.study_uid,
      seriesUid: document.series_uid,
      modality: attributes.text('Modality'),
      part: undefined,
    }
    const form = formOf(instance, attributes)
    if (form !== undefined) {
      stacks.push({ ...common, kind: 'document', form, sopUid: instance.sop_uid, sopClass: instance.sop_class, attributes, instanceCount: 1 })
      continue
    }
    const frames = framesOf(document, instance, attributes)
    if (frames.length === 1 && singles !== undefined) {
      singles.frames.push(...frames)
      singles.stack.instanceCount += 1
      continue
    }
    const stack: ImageStack = { ...common, kind: 'images', frames, instanceCount: 1, isCine: isCine(attributes, frames.length) }
    if (frames.length === 1) singles = { frames, stack: { ...stack, id: document.series_uid } }
    stacks.push(frames.length === 1 && singles !== undefined ? singles.stack : stack)
  }
  return stacks.length < 2 ? stacks : stacks.map((stack, index) => ({ ...stack, part: { index: index + 1, of: stacks.length } }))
}

/** Count in = count shown: how many objects the stacks account for. */
export function shownInstances(stacks: readonly Stack[]): number {
  return stacks.reduce((sum, stack) => sum + stack.instanceCount, 0)
}
