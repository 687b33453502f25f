import { type HeldObject, type StudyManifest, type StudyRow } from '@/api/types'
import { type Stack } from '@/dicom/series'
import type * as DrawingModule from '../viewport/drawing'
import { type ToolName } from '../viewport/types'
import { type Arrivals, type OpenStudy } from './studies'

export type Drawing = typeof DrawingModule

export interface Layout {
  rows: 1 | 2
  columns: 1 | 2
}

/** What hangs in a pane. */
export interface Hung {
  studyId: string
  stack: Stack
  /** Image to begin with; a new value of `hang` count shows it again. */
  index: number
  count: number
}

export interface Wanted {
  studyId: string
  seriesId: string
}

export type OverlayLevel = 'full' | 'minimal' | 'none'
export type PanelName = 'priors' | 'marks' | 'none'

export interface WorkspaceState {
  status: 'loading' | 'ready' | 'failed'
  error: unknown
  manifest: StudyManifest | undefined
  held: HeldObject[]
  priors: StudyRow[]
  studies: OpenStudy[]
  layout: Layout
  /** The pane that fills the whole area for a moment, or nothing. */
  enlarged: number | undefined
  panes: (Hung | undefined)[]
  /** Series that were wanted in a pane and could not be read. */
  missed: (Wanted | undefined)[]
  /** Panes into which something is on its way. */
  awaited: boolean[]
  active: number
  tool: ToolName
  linked: boolean
  referenceLines: boolean
  overlay: OverlayLevel
  panel: PanelName
  thumbnails: boolean
  keysShown: boolean
  arrived: Arrivals | undefined
  drawing: Drawing | undefined
  drawingFailed: boolean
  /** Moves whenever a viewport is made or removed. */
  viewportCount: number
}

export const PANES = 4

export const START: WorkspaceState = {
  status: 'loading',
  error: undefined,
  manifest: undefined,
  held: [],
  priors: [],
  studies: [],
  layout: { rows: 1, columns: 1 },
  enlarged: undefined,
  panes: Array.from({ length: PANES }, () => undefined),
  missed: Array.from({ length: PANES }, () => undefined),
  awaited: Array.from({ length: PANES }, (_, pane) => pane === 0),
  active: 0,
  tool: 'window',
  linked: true,
  referenceLines: true,
  overlay: 'full',
  panel: 'none',
  thumbnails: true,
  keysShown: false,
  arrived: undefined,
  drawing: undefined,
  drawingFailed: false,
  viewportCount: 0,
}
