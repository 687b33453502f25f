import { eventTarget } from '@cornerstonejs/core'
import { annotation, Enums, LengthTool, type Types as ToolTypes } from '@cornerstonejs/tools'
import { type Frame } from '@/dicom/series'
import { frameOf } from '../pixels/imageloader'
import { measureAngle, measureLength, type Measurement } from './measure'

/** A measurement that has been drawn. */
export interface Mark extends Measurement {
  id: string
  frame: Frame
}

/** All measurements, in the order in which they were made. */
export function listMarks(): Mark[] {
  return annotation.state.getAllAnnotations().flatMap((item: ToolTypes.Annotation): Mark[] => {
    const frame = frameOf(item.metadata?.referencedImageId ?? '')
    if (frame === undefined || item.annotationUID === undefined) return []
    const measure = item.metadata?.toolName === LengthTool.toolName ? measureLength : measureAngle
    const measured = measure(frame, { handles: { points: item.data.handles?.points ?? [] } })
    return measured === undefined ? [] : [{ ...measured, id: item.annotationUID, frame }]
  })
}

export function removeMark(id: string): void {
  annotation.state.removeAnnotation(id)
}

const EVENTS = [Enums.Events.ANNOTATION_COMPLETED, Enums.Events.ANNOTATION_MODIFIED, Enums.Events.ANNOTATION_REMOVED]

export function onMarks(listener: () => void): () => void {
  for (const event of EVENTS) eventTarget.addEventListener(event, listener)
  return () => {
    for (const event of EVENTS) eventTarget.removeEventListener(event, listener)
  }
}
