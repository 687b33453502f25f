import { pixelToPatient } from '@/dicom/geometry'
import { valueUnit } from '@/dicom/units'
import { nextSpeed } from '../panes/CineBar'
import { type OverlayLevel } from '../state/desk'
import { type Workspace } from '../state/workspace'
import { presetsFor } from '../viewport/presets'
import { type Viewport } from '../viewport/types'

export const nextOverlay = (level: OverlayLevel): OverlayLevel => (level === 'full' ? 'minimal' : level === 'minimal' ? 'none' : 'full')

function choosePreset(viewport: Viewport, number: number): void {
  const { picture, choice } = viewport.state
  if (picture === undefined || picture.colour) return
  if (number > 0) {
    const preset = presetsFor(picture, picture.rescale.lut === undefined ? valueUnit(picture.frame.attributes) : '')[number - 1]
    if (preset !== undefined) viewport.choose(preset)
    return
  }
  const count = Math.max(1, picture.headerVois.length)
  viewport.choose({ kind: 'header', index: choice.kind === 'header' ? (choice.index + 1) % count : 0 })
}

function movePane(workspace: Workspace, direction: 1 | -1): void {
  const panes = workspace.visiblePanes()
  const at = panes.indexOf(workspace.state.active)
  const next = panes[(at + direction + panes.length) % panes.length]
  if (next === undefined) return
  workspace.activate(next)
  document.querySelector<HTMLElement>(`[data-pane="${next}"]`)?.focus()
}

/** Sends every pane of the frame of reference to what lies under the pointer, or in the middle of the active picture. */
function pointInSpace(viewport: Viewport | undefined, workspace: Workspace): void {
  const plane = viewport?.frame()?.plane
  const host = document.querySelector(`[data-viewport="${workspace.state.active}"]`)?.getBoundingClientRect()
  if (viewport === undefined || plane === undefined || host === undefined) return
  const pixel = viewport.toPixel(workspace.pointer.within(host) ?? [host.width / 2, host.height / 2])
  if (pixel !== undefined) workspace.goToPoint(pixelToPatient(plane, pixel), plane.frameOfReference)
}

type Act = (viewport: Viewport | undefined, workspace: Workspace) => void

const LETTERS: Readonly<Record<string, Act>> = {
  w: (_, workspace) => workspace.pickTool('window'),
  z: (_, workspace) => workspace.pickTool('zoom'),
  p: (_, workspace) => workspace.pickTool('pan'),
  s: (_, workspace) => workspace.pickTool('scroll'),
  d: (_, workspace) => workspace.pickTool('length'),
  a: (_, workspace) => workspace.pickTool('angle'),
  r: (viewport) => viewport?.rotateBy(90),
  l: (viewport) => viewport?.rotateBy(-90),
  h: (viewport) => viewport?.flip('horizontal'),
  v: (viewport) => viewport?.flip('vertical'),
  i: (viewport) => viewport?.invert(),
  u: (viewport) => viewport?.oneToOne(),
  c: (viewport) => viewport?.play(!viewport.state.playing),
  g: (_, workspace) => workspace.set({ linked: !workspace.state.linked }),
  y: (_, workspace) => workspace.set({ referenceLines: !workspace.state.referenceLines }),
  o: (_, workspace) => workspace.set({ overlay: nextOverlay(workspace.state.overlay) }),
  x: (viewport, workspace) => pointInSpace(viewport, workspace),
  f: (_, workspace) => workspace.set({ enlarged: workspace.state.enlarged === undefined ? workspace.state.active : undefined }),
}

const OTHERS: Readonly<Record<string, Act>> = {
  ArrowUp: (viewport) => viewport?.scrollBy(-1),
  ArrowDown: (viewport) => viewport?.scrollBy(1),
  Home: (viewport) => viewport?.goTo(0),
  End: (viewport) => viewport?.goTo(Infinity),
  ArrowLeft: (_, workspace) => movePane(workspace, -1),
  ArrowRight: (_, workspace) => movePane(workspace, 1),
  PageUp: (_, workspace) => void workspace.step(-1),
  PageDown: (_, workspace) => void workspace.step(1),
  '.': (_, workspace) => void workspace.hanger.step(1),
  ',': (_, workspace) => void workspace.hanger.step(-1),
  '=': (viewport) => viewport?.fit(),
  ' ': (viewport) => viewport?.reset(),
  '+': (viewport) => viewport?.setSpeed(nextSpeed(viewport.state.speed, 1)),
  '-': (viewport) => viewport?.setSpeed(nextSpeed(viewport.state.speed, -1)),
  '?': (_, workspace) => workspace.set({ keysShown: !workspace.state.keysShown }),
  Escape: (_, workspace) => workspace.set({ keysShown: false, enlarged: undefined, sheet: undefined, cursor: undefined }),
  Delete: (_, workspace) => workspace.state.drawing?.ReadingTools.deleteSelected(),
  Backspace: (_, workspace) => workspace.state.drawing?.ReadingTools.deleteSelected(),
}

const SHIFTED: Readonly<Record<string, Act>> = {
  g: (_, workspace) => workspace.setOffsetHere(),
  s: (_, workspace) => workspace.set({ thumbnails: !workspace.state.thumbnails }),
  p: (_, workspace) => workspace.set({ panel: workspace.state.panel === 'none' ? 'priors' : 'none' }),
}

/** The Latin letter of a key, also on a keyboard that writes another script. */
function letterOf(event: KeyboardEvent): string {
  if (/^[a-z]$/i.test(event.key)) return event.key.toLowerCase()
  return event.code.startsWith('Key') ? event.code.slice(3).toLowerCase() : ''
}

/** Position of a digit key: with Arabic or French layouts the key itself may say something else. */
function digitOf(event: KeyboardEvent): number | undefined {
  const match = /^(?:Digit|Numpad)(\d)$/.exec(event.code)
  return match?.[1] === undefined ? undefined : Number(match[1])
}

/** Carries out what a key means; false when it means nothing here. */
export function handleKey(event: KeyboardEvent, workspace: Workspace): boolean {
  const viewport = workspace.activeViewport()
  const letter = letterOf(event)
  if (event.ctrlKey || event.metaKey) {
    if (letter !== 'z' && letter !== 'y') return false
    const tools = workspace.state.drawing?.ReadingTools
    if (letter === 'z' && !event.shiftKey) tools?.undo()
    else tools?.redo()
    return true
  }
  if (event.altKey) return false
  const other = OTHERS[event.key]
  if (other !== undefined) {
    other(viewport, workspace)
    return true
  }
  const digit = digitOf(event)
  if (digit !== undefined && !event.shiftKey) {
    if (viewport !== undefined) choosePreset(viewport, digit)
    return true
  }
  const act = (event.shiftKey ? SHIFTED : LETTERS)[letter]
  act?.(viewport, workspace)
  return act !== undefined
}
