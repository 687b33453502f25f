import { type HeldObject, type PriorRow, type StudyManifest } from '@/api/types'
import { type Vec3 } from '@/dicom/geometry'
import { type Stack } from '@/dicom/series'
import type * as DrawingModule from '../viewport/drawing'
import { type Fit } from '../hanging/match'
import { MOST_SIDE, type Protocol } from '../hanging/protocol'
import { type Layout, type PlacedHang } from '../hanging/shape'
import { type Wish } from '../hanging/wish'
import { type ToolName } from '../viewport/types'
import { type Arrivals, type OpenStudy } from './studies'

export type Drawing = typeof DrawingModule

/** What hangs by a protocol, and which others could. */
export interface HangingState {
  /** Every protocol, the best fitting first. */
  fits: Fit[]
  /** The protocol by which the study hangs. */
  protocol: Protocol
  /** Stages that have something to show, and which of them is shown. */
  stages: number[]
  stage: number
  panes: PlacedHang[]
  /** The reader has hung something otherwise since. */
  changed: boolean
}

/** A place in the patient to which all panes of one frame of reference have gone. */
export interface SpaceCursor {
  point: Vec3
  frameOfReference: string
}

/** What hangs in a pane. */
export interface Hung {
  studyId: string
  stack: Stack
  /** Image to begin with; a new value of `hang` count shows it again. */
  index: number
  count: number
  wish: Wish
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
  priors: PriorRow[]
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
  hanging: HangingState | undefined
  cursor: SpaceCursor | undefined
  /** Moves whenever the distance at which two series are scrolled together is set or forgotten. */
  offsets: number
  tool: ToolName
  linked: boolean
  referenceLines: boolean
  overlay: OverlayLevel
  panel: PanelName
  thumbnails: boolean
  keysShown: boolean
  /** A sheet over the pictures: why this hang, or saving it. */
  sheet: 'explain' | 'save' | undefined
  /** Nothing on the page says whose pictures these are: for teaching, and for a screen that others see. */
  teaching: boolean
  arrived: Arrivals | undefined
  drawing: Drawing | undefined
  drawingFailed: boolean
  /** Moves whenever a viewport is made or removed. */
  viewportCount: number
}

export const PANES = MOST_SIDE * MOST_SIDE

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
  hanging: undefined,
  cursor: undefined,
  offsets: 0,
  tool: 'window',
  linked: true,
  referenceLines: true,
  overlay: 'full',
  panel: 'none',
  thumbnails: true,
  keysShown: false,
  sheet: undefined,
  teaching: false,
  arrived: undefined,
  drawing: undefined,
  drawingFailed: false,
  viewportCount: 0,
}
