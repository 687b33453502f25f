import { request } from './client'

export type MarkKind = 'length' | 'angle' | 'cobb' | 'bidirectional' | 'ellipse' | 'rectangle' | 'circle' | 'freehand' | 'arrow' | 'key'

export type Quantity = 'length' | 'angle' | 'long_axis' | 'short_axis' | 'area' | 'perimeter' | 'mean' | 'deviation' | 'least' | 'most'

/** `unit` in UCUM, or `px`, `px2`. */
export interface MeasuredValue {
  name: Quantity
  value: number
  unit: string
  basis: string
}

/** A mark as it is kept: points are column and row of the frame, the centre of its first pixel is (0, 0). */
export interface MarkBody {
  kind: MarkKind
  image: { series_uid: string; sop_uid: string; frame: number; digest: string }
  points: (readonly [number, number])[]
  measured: MeasuredValue[]
  label: string
  follows: string | null
}

/** One change; no body: the mark was taken away. */
export interface MarkEvent {
  id: string
  mark: string
  version: number
  at: string
  body: MarkBody | null
}

/** A mark as the server has it. `doubt`: why what was measured cannot be believed. */
export interface KeptMark {
  id: string
  version: number
  event: string
  number: number
  body: MarkBody | null
  doubt: string
  drawn_by: string
  is_own: boolean
  drawn_at: string
  changed_at: string
}

export const readMarks = (studyId: string, after: number, signal?: AbortSignal): Promise<{ items: KeptMark[]; last: number }> =>
  request('GET', `/api/studies/${studyId}/marks?after=${after}`, undefined, signal)

export const sendMarks = (studyId: string, events: readonly MarkEvent[]): Promise<{ last: number }> =>
  request('POST', `/api/studies/${studyId}/marks`, { events })
