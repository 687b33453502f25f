import { eventTarget } from '@cornerstonejs/core'
import { annotation, Enums, type Types as ToolTypes } from '@cornerstonejs/tools'
import { type MarkBody, type MarkKind } from '@/api/marks'
import { pixelToPatient } from '@/dicom/geometry'
import { type Frame } from '@/dicom/series'
import { frameOf, imageIdOf } from '../pixels/imageloader'
import { kindOf, kindOfTool } from './kinds'
import { frameOfTarget, measure, pixelsOf, type MeasuredData, type Measurement } from './measure'

/** A measurement that has been drawn. */
export interface Mark extends Measurement {
  id: string
  frame: Frame
}

function bodyFrame(item: ToolTypes.Annotation): Frame | undefined {
  return frameOf(item.metadata?.referencedImageId ?? '')
}

function measured(item: ToolTypes.Annotation): { frame: Frame; measurement: Measurement; body: MarkBody } | undefined {
  const [frame, kind] = [bodyFrame(item), kindOfTool(item.metadata?.toolName ?? '')]
  const handles = item.data.handles?.points ?? []
  if (frame === undefined || kind === undefined || handles.length !== kind.handles) return undefined
  const points = kind.keep(pixelsOf(frame, { handles: { points: handles } }))
  const measurement = measure(kind.name, frame, points)
  if (measurement === undefined) return undefined
  const image = { series_uid: frame.seriesUid, sop_uid: frame.sopUid, frame: frame.number, digest: frame.digest }
  return { frame, measurement, body: { kind: kind.name, image, points, measured: measurement.values, label: '', follows: null } }
}

/** What is printed beside a mark. */
export function linesOf(kind: MarkKind, data: MeasuredData, targetId: string | readonly string[]): string[] {
  const frame = frameOfTarget(typeof targetId === 'string' ? targetId : (targetId[0] ?? ''))
  const known = kindOf(kind)
  if (frame === undefined || known === undefined || data.handles.points.length !== known.handles) return []
  return measure(kind, frame, known.keep(pixelsOf(frame, data)))?.lines ?? []
}

/** All measurements, in the order in which they were made. */
export function listMarks(): Mark[] {
  return annotation.state.getAllAnnotations().flatMap((item): Mark[] => {
    const found = measured(item)
    return found === undefined || item.annotationUID === undefined ? [] : [{ ...found.measurement, id: item.annotationUID, frame: found.frame }]
  })
}

/** What is drawn now, as it is kept; one that is still being drawn is not there. */
export function drawnBodies(): Map<string, MarkBody> {
  const bodies = new Map<string, MarkBody>()
  for (const item of annotation.state.getAllAnnotations()) {
    const found = measured(item)
    if (found !== undefined && item.annotationUID !== undefined && !unfinished.has(item.annotationUID)) bodies.set(item.annotationUID, found.body)
  }
  return bodies
}

const EYE = { hasMoved: false, worldPosition: [0, 0, 0], worldBoundingBox: { topLeft: [0, 0, 0], topRight: [0, 0, 0], bottomLeft: [0, 0, 0], bottomRight: [0, 0, 0] } }

/** Puts a kept mark onto its frame, in place of what is drawn there under its name. */
export function drawBody(id: string, body: MarkBody, frame: Frame): void {
  const kind = kindOf(body.kind)
  if (kind === undefined) return
  const plane = frame.sheet
  const points = kind.draw(body.points).map((point): [number, number, number] => [...pixelToPatient(plane, point)])
  const known = annotationOf(id)
  if (known !== undefined) {
    known.data.handles = { ...known.data.handles, points }
    known.data.cachedStats = {}
    known.invalidated = true
    return
  }
  annotation.state.addAnnotation(
    {
      annotationUID: id,
      highlighted: false,
      invalidated: true,
      isLocked: false,
      isVisible: true,
      metadata: {
        toolName: kind.tool.toolName,
        FrameOfReferenceUID: plane.frameOfReference,
        referencedImageId: imageIdOf(frame),
        viewPlaneNormal: [...plane.normal],
        viewUp: [-plane.column[0], -plane.column[1], -plane.column[2]],
      },
      data: { label: '', handles: { points, activeHandleIndex: null, textBox: structuredClone(EYE) as unknown as NonNullable<ToolTypes.Annotation['data']['handles']>['textBox'] }, cachedStats: {} },
    } as ToolTypes.Annotation,
    plane.frameOfReference,
  )
}

/** The library says that there always is one. */
const annotationOf = (id: string): ToolTypes.Annotation | undefined => annotation.state.getAnnotation(id)

/** Whether anything is drawn under that name, finished or not. */
export const isDrawn = (id: string): boolean => annotationOf(id) !== undefined

export function removeMark(id: string): void {
  annotation.state.removeAnnotation(id)
}

const EVENTS = [Enums.Events.ANNOTATION_COMPLETED, Enums.Events.ANNOTATION_MODIFIED, Enums.Events.ANNOTATION_REMOVED]

const uidOf = (event: Event): string => (event as CustomEvent<{ annotation?: ToolTypes.Annotation }>).detail.annotation?.annotationUID ?? ''

/** Marks between their first point and their last. */
const unfinished = new Set<string>()
let isByHand = true
let following = false

/** Told once, when the tools are registered. */
export function followDrawing(): void {
  if (following) return
  following = true
  eventTarget.addEventListener(Enums.Events.ANNOTATION_ADDED, (event: Event) => {
    if (isByHand) unfinished.add(uidOf(event))
  })
  for (const over of [Enums.Events.ANNOTATION_COMPLETED, Enums.Events.ANNOTATION_REMOVED]) {
    eventTarget.addEventListener(over, (event: Event) => unfinished.delete(uidOf(event)))
  }
}

/** What is done in here is not drawn by hand: kept marks are put onto their frames, or taken away elsewhere. */
export function notByHand(work: () => void): void {
  isByHand = false
  try {
    work()
  } finally {
    isByHand = true
  }
}

export function onMarks(listener: () => void): () => void {
  const listen = (): void => {
    if (isByHand) listener()
  }
  for (const event of EVENTS) eventTarget.addEventListener(event, listen)
  return () => {
    for (const event of EVENTS) eventTarget.removeEventListener(event, listen)
  }
}
