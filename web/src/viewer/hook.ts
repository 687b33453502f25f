import { valueUnit } from '@/dicom/units'
import { type Voi } from '@/dicom/window'
import { valueAt } from './pixels/picture'
import { type Workspace } from './state/workspace'

/** What a test, or somebody who looks for a fault, may read of a viewport. */
export interface ViewportReport {
  pane: number
  status: string
  failure: string | undefined
  url: string | undefined
  studyUid: string | undefined
  seriesUid: string | undefined
  sopUid: string | undefined
  frame: number | undefined
  index: number
  count: number
  loaded: number
  voi: Voi | undefined
  inverted: boolean
  rotation: number
  flipHorizontal: boolean
  flipVertical: boolean
  zoom: number
  playing: boolean
  shownRate: number
  rows: number | undefined
  columns: number | undefined
  /** By how many halvings the picture on the screen is smaller than the image; 0 for the image itself. */
  reduction: number
}

export interface ViewerHook {
  studyId: string
  /** Resolves when every pane in which a picture hangs shows it. */
  ready: (timeoutMs?: number) => Promise<boolean>
  /** Resolves earlier: when every such pane shows its first picture, though the tools are still on their way. */
  shown: (timeoutMs?: number) => Promise<boolean>
  viewports: () => ViewportReport[]
  /** Column, row, value and unit under a point of a pane, in CSS pixels. */
  probe: (pane: number, x: number, y: number) => { x: number; y: number; value: number[]; unit: string } | undefined
  /** The point of a pane, in CSS pixels, on which the centre of a pixel lies. */
  pointOf: (pane: number, column: number, row: number) => readonly [number, number] | undefined
  marks: () => { kind: string; text: string; value: number; unit: string; basis: string }[]
}

declare global {
  interface Window {
    __heliograph_viewer?: ViewerHook
  }
}

const POLL_MS = 20

function report(workspace: Workspace): ViewportReport[] {
  return [...workspace.viewports].map(([pane, { state }]) => {
    const { picture } = state
    return {
      pane,
      status: state.status,
      failure: state.failure,
      url: picture?.frame.url,
      studyUid: picture?.frame.studyUid,
      seriesUid: picture?.frame.seriesUid,
      sopUid: picture?.frame.sopUid,
      frame: picture?.frame.number,
      index: state.index,
      count: state.stack?.frames.length ?? 0,
      loaded: state.loaded,
      voi: state.voi,
      inverted: state.inverted,
      rotation: state.rotation,
      flipHorizontal: state.flipHorizontal,
      flipVertical: state.flipVertical,
      zoom: state.zoom,
      playing: state.playing,
      shownRate: state.shownRate,
      rows: picture?.rows,
      columns: picture?.columns,
      reduction: picture?.reduction ?? 0,
    }
  })
}

/** True when each pane of the layout shows what was asked for: an image on the canvas, or an object without one. */
function isReady(workspace: Workspace, needsTools: boolean): boolean {
  const { panes } = workspace.state
  const wanted = workspace.visiblePanes().filter((pane) => panes[pane] !== undefined)
  if (wanted.length === 0 || workspace.isWaiting) return false
  return wanted.every((pane) => {
    const stack = panes[pane]?.stack
    if (stack?.kind !== 'images') return true
    const viewport = workspace.viewports.get(pane)
    if (viewport === undefined || viewport.state.stack !== stack || (needsTools && !viewport.hasTools)) return false
    const { status, index, picture } = viewport.state
    return status === 'failed' || (status === 'ready' && viewport.isDrawn && picture?.frame === stack.frames[index] && !(needsTools && picture?.reduction !== undefined))
  })
}

async function ready(workspace: Workspace, timeoutMs: number, needsTools: boolean): Promise<boolean> {
  const end = performance.now() + timeoutMs
  while (performance.now() < end) {
    if (isReady(workspace, needsTools)) return true
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return false
}

/** Puts the read-only hook on the window; gives back what takes it away. */
export function publishHook(workspace: Workspace): () => void {
  const hook: ViewerHook = {
    studyId: workspace.studyId,
    ready: (timeoutMs = 20_000) => ready(workspace, timeoutMs, true),
    shown: (timeoutMs = 20_000) => ready(workspace, timeoutMs, false),
    viewports: () => report(workspace),
    probe: (pane, x, y) => {
      const viewport = workspace.viewports.get(pane)
      const picture = viewport?.state.picture
      const pixel = viewport?.toPixel([x, y])
      if (picture === undefined || pixel === undefined) return undefined
      const found = valueAt(picture, pixel[0], pixel[1])
      return found === undefined ? undefined : { ...found, unit: picture.colour ? '' : valueUnit(picture.frame.attributes) }
    },
    pointOf: (pane, column, row) => workspace.viewports.get(pane)?.pointOf([column, row]),
    marks: () => (workspace.state.drawing?.listMarks() ?? []).map(({ kind, text, value, unit, basis }) => ({ kind, text, value, unit, basis })),
  }
  window.__heliograph_viewer = Object.freeze(hook)
  return () => {
    if (window.__heliograph_viewer === hook) delete window.__heliograph_viewer
  }
}
