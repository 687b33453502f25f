import { pixelToPatient } from '@/dicom/geometry'
import { valueUnit } from '@/dicom/units'
import { makeWindow } from '@/dicom/window'
import { nextSpeed } from '../panes/CineBar'
import { type OverlayLevel } from '../state/desk'
import { type Workspace } from '../state/workspace'
import { presetsFor } from '../viewport/presets'
import { type ToolName, type Viewport } from '../viewport/types'
import { actionOf, keymap, strokeOf, type Bindable } from './keymap'

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

/** The image in the active pane becomes a key image, or is one no more. */
export function toggleKey(viewport: Viewport | undefined, workspace: Workspace): void {
  const [frame, hung] = [viewport?.frame(), workspace.state.panes[workspace.state.active]]
  if (frame !== undefined && hung !== undefined) workspace.marks.toggleKey(hung.studyId, frame)
}

export type CommandGroup = 'images' | 'tools' | 'view' | 'window' | 'panes'

/** What a key can do. `label` is the key of its words in viewer.json. */
export interface Command extends Bindable {
  group: CommandGroup
  label: string
  act: (viewport: Viewport | undefined, workspace: Workspace) => void
}

type Act = Command['act']

const command = (group: CommandGroup, id: string, label: string, keys: readonly string[], act: Act): Command => ({ group, id, label, keys, act })

const tool = (name: ToolName, key: string): Command => command('tools', `tool.${name}`, `tool.${name}`, [key], (_, workspace) => workspace.pickTool(name))

/** How much wider or narrower, brighter or darker one key makes a window. */
const STEP = 0.2

function adjust(viewport: Viewport | undefined, width: number, centre: number): void {
  const voi = viewport?.state.voi
  if (viewport === undefined || voi?.kind !== 'window' || viewport.state.picture?.colour === true) return
  viewport.choose({ kind: 'user', voi: makeWindow(voi.center + voi.width * centre, voi.width * width, voi.fn) })
}

/** Everything that a key does in the viewer, with the key that it has by itself. The sheet, the map and its export are made of it. */
export const COMMANDS: readonly Command[] = [
  command('images', 'image.previous', 'action.previousImage', ['ArrowUp'], (viewport) => viewport?.scrollBy(-1)),
  command('images', 'image.next', 'action.nextImage', ['ArrowDown'], (viewport) => viewport?.scrollBy(1)),
  command('images', 'image.first', 'action.firstImage', ['Home'], (viewport) => viewport?.goTo(0)),
  command('images', 'image.last', 'action.lastImage', ['End'], (viewport) => viewport?.goTo(Infinity)),
  command('images', 'series.previous', 'action.previousSeries', ['PageUp'], (_, workspace) => void workspace.step(-1)),
  command('images', 'series.next', 'action.nextSeries', ['PageDown'], (_, workspace) => void workspace.step(1)),
  command('images', 'case.next', 'speed.nextCase', ['N'], (_, workspace) => workspace.stepCase(1)),
  command('images', 'case.previous', 'speed.previousCase', ['Shift+N'], (_, workspace) => workspace.stepCase(-1)),
  command('images', 'cine.toggle', 'action.cine', ['C'], (viewport) => viewport?.play(!viewport.state.playing)),
  command('images', 'cine.faster', 'action.faster', ['+'], (viewport) => viewport?.setSpeed(nextSpeed(viewport.state.speed, 1))),
  command('images', 'cine.slower', 'action.slower', ['-'], (viewport) => viewport?.setSpeed(nextSpeed(viewport.state.speed, -1))),
  tool('window', 'W'),
  tool('zoom', 'Z'),
  tool('pan', 'P'),
  tool('scroll', 'S'),
  tool('length', 'D'),
  tool('angle', 'A'),
  tool('ellipse', 'E'),
  tool('bidirectional', 'B'),
  command('tools', 'mark.key', 'marks.toggleKey', ['K'], toggleKey),
  command('tools', 'mark.delete', 'action.deleteMark', ['Delete', 'Backspace'], (_, workspace) => workspace.state.drawing?.ReadingTools.deleteSelected()),
  command('tools', 'mark.undo', 'action.undo', ['Ctrl+Z'], (_, workspace) => workspace.marks.undo()),
  command('tools', 'mark.redo', 'action.redo', ['Ctrl+Y', 'Ctrl+Shift+Z'], (_, workspace) => workspace.marks.redo()),
  command('view', 'view.rotateRight', 'action.rotateRight', ['R'], (viewport) => viewport?.rotateBy(90)),
  command('view', 'view.rotateLeft', 'action.rotateLeft', ['L'], (viewport) => viewport?.rotateBy(-90)),
  command('view', 'view.flipHorizontal', 'action.flipHorizontal', ['H'], (viewport) => viewport?.flip('horizontal')),
  command('view', 'view.flipVertical', 'action.flipVertical', ['V'], (viewport) => viewport?.flip('vertical')),
  command('view', 'view.fit', 'action.fit', ['='], (viewport) => viewport?.fit()),
  command('view', 'view.oneToOne', 'action.oneToOne', ['U'], (viewport) => viewport?.oneToOne()),
  command('view', 'view.reset', 'action.reset', ['Space'], (viewport) => viewport?.reset()),
  command('view', 'view.overlay', 'keys.overlay', ['O'], (_, workspace) => workspace.set({ overlay: nextOverlay(workspace.state.overlay) })),
  command('view', 'view.teaching', 'display.teaching.action', ['Shift+T'], (_, workspace) => workspace.set({ teaching: !workspace.state.teaching })),
  ...Array.from({ length: 9 }, (_, index) =>
    command('window', `window.preset${index + 1}`, 'keys.presets', [String(index + 1)], (viewport) => {
      if (viewport !== undefined) choosePreset(viewport, index + 1)
    }),
  ),
  command('window', 'window.header', 'keys.headerWindow', ['0'], (viewport) => {
    if (viewport !== undefined) choosePreset(viewport, 0)
  }),
  command('window', 'window.wider', 'display.window.wider', ['Shift+ArrowRight'], (viewport) => adjust(viewport, 1 + STEP, 0)),
  command('window', 'window.narrower', 'display.window.narrower', ['Shift+ArrowLeft'], (viewport) => adjust(viewport, 1 - STEP, 0)),
  command('window', 'window.brighter', 'display.window.brighter', ['Shift+ArrowUp'], (viewport) => adjust(viewport, 1, -STEP)),
  command('window', 'window.darker', 'display.window.darker', ['Shift+ArrowDown'], (viewport) => adjust(viewport, 1, STEP)),
  command('window', 'window.invert', 'action.invert', ['I'], (viewport) => viewport?.invert()),
  command('panes', 'pane.previous', 'action.previousPane', ['ArrowLeft'], (_, workspace) => movePane(workspace, -1)),
  command('panes', 'pane.next', 'action.nextPane', ['ArrowRight'], (_, workspace) => movePane(workspace, 1)),
  command('panes', 'pane.enlarge', 'action.enlarge', ['F'], (_, workspace) =>
    workspace.set({ enlarged: workspace.state.enlarged === undefined ? workspace.state.active : undefined }),
  ),
  command('panes', 'pane.link', 'action.link', ['G'], (_, workspace) => workspace.set({ linked: !workspace.state.linked })),
  command('panes', 'pane.offset', 'hanging.offsetKey', ['Shift+G'], (_, workspace) => workspace.setOffsetHere()),
  command('panes', 'prior.reports', 'hanging.reportsKey', ['Shift+D'], (_, workspace) => void workspace.openReports().catch(() => undefined)),
  command('panes', 'pane.cursor', 'hanging.cursorKey', ['X'], pointInSpace),
  command('panes', 'hang.next', 'display.hang.next', ['.'], (_, workspace) => void workspace.hanger.step(1)),
  command('panes', 'hang.previous', 'display.hang.previous', [','], (_, workspace) => void workspace.hanger.step(-1)),
  command('panes', 'pane.lines', 'action.referenceLines', ['Y'], (_, workspace) => workspace.set({ referenceLines: !workspace.state.referenceLines })),
  command('panes', 'desk.thumbnails', 'action.thumbnails', ['Shift+S'], (_, workspace) => workspace.set({ thumbnails: !workspace.state.thumbnails })),
  command('panes', 'desk.panel', 'action.panel', ['Shift+P'], (_, workspace) => workspace.set({ panel: workspace.state.panel === 'none' ? 'priors' : 'none' })),
  command('panes', 'desk.keys', 'keys.sheet', ['?'], (_, workspace) => workspace.set({ keysShown: !workspace.state.keysShown })),
]

const BY_ID = new Map(COMMANDS.map((item) => [item.id, item]))

/** Escape is nobody's to give away: it always closes what is open. */
function escape(workspace: Workspace): void {
  workspace.set({ keysShown: false, enlarged: undefined, sheet: undefined, cursor: undefined })
}

/** Carries out what a key means; false when it means nothing here. */
export function handleKey(event: KeyboardEvent, workspace: Workspace): boolean {
  if (event.key === 'Escape') {
    escape(workspace)
    return true
  }
  const stroke = strokeOf(event)
  const id = stroke === undefined ? undefined : actionOf(stroke, COMMANDS, keymap.getState().bindings)
  const found = id === undefined ? undefined : BY_ID.get(id)
  found?.act(workspace.activeViewport(), workspace)
  return found !== undefined
}
