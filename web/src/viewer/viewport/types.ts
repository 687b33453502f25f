import { type Point2, type Vec3 } from '@/dicom/geometry'
import { type Frame, type ImageStack } from '@/dicom/series'
import { type Voi } from '@/dicom/window'
import { type Picture } from '../pixels/picture'
import { type VoiChoice } from './presets'

export type MarkTool = 'length' | 'angle' | 'cobb' | 'bidirectional' | 'ellipse' | 'circle' | 'rectangle'
export type ToolName = 'window' | 'zoom' | 'pan' | 'scroll' | MarkTool

export type PaneStatus = 'empty' | 'loading' | 'ready' | 'failed'

/** `offline`: nothing is wrong with the object, the server was not there. */
export type PaneFailure = 'load' | 'offline' | 'decode' | 'noPixels' | 'damaged' | 'wrongStudy' | 'noGraphics'

export interface ViewportState {
  status: PaneStatus
  failure: PaneFailure | undefined
  stack: ImageStack | undefined
  /** The image that the reader asked for; the one on screen is `picture`, which may follow a moment later. */
  index: number
  picture: Picture | undefined
  choice: VoiChoice
  voi: Voi | undefined
  /** Exchanged by the reader's wish. */
  inverted: boolean
  rotation: number
  flipHorizontal: boolean
  flipVertical: boolean
  /** Screen pixels per image pixel along a row. */
  zoom: number
  /** Counts every change of camera, image or size, so that drawings over the picture know when to follow. */
  revision: number
  /** Frames of the stack that are in memory. */
  loaded: number
  playing: boolean
  speed: number
  /** Frames per second that really reached the screen. */
  shownRate: number
}

/** How a picture is held in its viewport while it fills it: at which side, and how large at most, in CSS pixels per millimetre. */
export interface Hold {
  align: 'left' | 'center' | 'right'
  largest?: number
}

/** What the workspace asks of a viewport; the library behind it can change without the rest knowing. */
export interface Viewport {
  readonly id: string
  /** False for the viewport that shows a first picture while the drawing library is still being loaded. */
  readonly hasTools: boolean
  readonly state: ViewportState
  /** False while something that has changed has not reached the canvas. */
  readonly isDrawn: boolean
  subscribe: (listener: () => void) => () => void

  show: (stack: ImageStack, index?: number) => Promise<void>
  clear: () => void
  /** Asks once more for what could not be loaded; the place in the stack, the window and the zoom stay. */
  retry: () => void
  goTo: (index: number) => void
  scrollBy: (steps: number) => void

  choose: (choice: VoiChoice) => void
  dragWindow: (dx: number, dy: number) => void
  invert: () => void
  rotateBy: (degrees: number) => void
  flip: (axis: 'horizontal' | 'vertical') => void
  fit: () => void
  oneToOne: () => void
  zoomBy: (factor: number, around?: Point2) => void
  reset: () => void
  hold: (hold: Hold) => void
  /** The scale at which the whole picture just fits. */
  fittingScale: () => number | undefined

  play: (playing: boolean) => void
  setSpeed: (speed: number) => void

  /** CSS pixels within the viewport to pixel coordinates of the picture, and back. */
  toPixel: (point: Point2) => Point2 | undefined
  pointOf: (pixel: Point2) => Point2 | undefined
  toCanvas: (world: Vec3) => Point2 | undefined
  /** Direction in the patient of one step to the right and one step down on the screen. */
  screenAxes: () => { right: Vec3; down: Vec3 } | undefined
  frame: () => Frame | undefined
  resize: () => void
  destroy: () => void
}

export const EMPTY_STATE: ViewportState = {
  status: 'empty',
  failure: undefined,
  stack: undefined,
  index: 0,
  picture: undefined,
  choice: { kind: 'header', index: 0 },
  voi: undefined,
  inverted: false,
  rotation: 0,
  flipHorizontal: false,
  flipVertical: false,
  zoom: 1,
  revision: 0,
  loaded: 0,
  playing: false,
  speed: 1,
  shownRate: 0,
}
