import { addTool, annotation, CircleROITool, Enums, ToolGroupManager, utilities, type Types as ToolTypes } from '@cornerstonejs/tools'
import { ENGINE_ID } from '../viewport/engine'
import { type MarkTool, type ToolName } from '../viewport/types'
import { type MeasuredData } from './measure'
import { PanDrag, ScrollDrag, WindowDrag, ZoomDrag } from './drag'
import { KINDS } from './kinds'
import { followDrawing, linesOf } from './marks'
import { allPanes } from './registry'

const GROUP_ID = 'heliograph-reading'
const { MouseBindings } = Enums

const TOOLS: Readonly<Record<ToolName, string>> = {
  window: WindowDrag.toolName,
  pan: PanDrag.toolName,
  zoom: ZoomDrag.toolName,
  scroll: ScrollDrag.toolName,
  ...(Object.fromEntries(KINDS.map(({ name, tool }) => [name, tool.toolName])) as Record<MarkTool, string>),
}

/** Bindings that hold whatever the left button does: middle pans, right zooms, both together scroll. */
const ALWAYS: Readonly<Partial<Record<ToolName, ToolTypes.IToolBinding[]>>> = {
  pan: [{ mouseButton: MouseBindings.Auxiliary }, { numTouchPoints: 2 }],
  zoom: [{ mouseButton: MouseBindings.Secondary }],
  scroll: [{ mouseButton: MouseBindings.Primary_And_Secondary }],
  window: [{ numTouchPoints: 3 }],
}

let registered = false

function registerTools(): void {
  if (registered) return
  registered = true
  for (const tool of [WindowDrag, PanDrag, ZoomDrag, ScrollDrag]) addTool(tool)
  for (const { tool } of KINDS) addTool(tool as Parameters<typeof addTool>[0])
  followDrawing()
  styleMarks()
}

const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** Marks are drawn by the library into SVG, which takes colours as values, so they are read from the tokens. */
function styleMarks(): void {
  const [line, chosen] = [token('--hg-mark') || token('--hg-text'), token('--hg-accent')]
  const current = annotation.config.style.getDefaultToolStyles()
  annotation.config.style.setDefaultToolStyles({
    ...current,
    global: {
      ...current['global'],
      color: line,
      colorHighlighted: chosen,
      colorSelected: chosen,
      lineWidth: '1.5',
      // A filter for each line is drawn anew with every movement: with forty marks the hand lags by a second.
      shadow: false,
      textBoxFontFamily: token('--hg-font'),
      textBoxFontSize: '12px',
      textBoxColor: line,
      textBoxColorHighlighted: chosen,
      textBoxColorSelected: chosen,
      textBoxLinkLineColor: line,
      textBoxLinkLineWidth: '1',
      textBoxBackground: 'rgb(0 0 0 / 60%)',
    },
  })
}

/** One tool group for all viewports of the workspace. */
export class ReadingTools {
  private readonly group: ToolTypes.IToolGroup
  private active: ToolName | undefined

  constructor() {
    registerTools()
    ToolGroupManager.destroyToolGroup(GROUP_ID)
    const group = ToolGroupManager.createToolGroup(GROUP_ID)
    if (group === undefined) throw new Error('the tool group could not be made')
    this.group = group
    for (const name of ['window', 'pan', 'zoom', 'scroll'] as const) group.addTool(TOOLS[name])
    for (const { name, tool } of KINDS) {
      const lines = (data: MeasuredData, targetId: string | readonly string[]): string[] => linesOf(name, data, targetId)
      group.addTool(tool.toolName, { getTextLines: lines, ...(tool === CircleROITool ? { simplified: true } : {}) })
    }
    this.use('window')
  }

  addViewport(id: string): void {
    this.group.addViewport(id, ENGINE_ID)
  }

  removeViewport(id: string): void {
    this.group.removeViewports(ENGINE_ID, id)
  }

  /** Gives the left button to a tool, and the single finger too; but a finger that has chosen nothing scrolls. */
  use(tool: ToolName): void {
    if (tool === this.active) return
    this.active = tool
    for (const name of Object.keys(TOOLS) as ToolName[]) {
      const bindings: ToolTypes.IToolBinding[] = [...(ALWAYS[name] ?? [])]
      if (name === tool) bindings.push({ mouseButton: MouseBindings.Primary })
      if (name === (tool === 'window' ? 'scroll' : tool)) bindings.push({ numTouchPoints: 1 })
      if (bindings.length > 0) this.setActive(name, bindings)
      else this.group.setToolPassive(TOOLS[name], { removeAllBindings: true })
    }
  }

  private setActive(name: ToolName, bindings: ToolTypes.IToolBinding[]): void {
    // Passive first: the library adds bindings to those that a tool already has.
    this.group.setToolPassive(TOOLS[name], { removeAllBindings: true })
    this.group.setToolActive(TOOLS[name], { bindings })
  }

  /** Removes all marks: a workspace begins and ends without any. */
  static clearMarks(): void {
    annotation.state.removeAllAnnotations()
    annotation.selection.deselectAnnotation()
  }

  static deleteSelected(): number {
    const selected = annotation.selection.getAnnotationsSelected()
    for (const uid of selected) annotation.state.removeAnnotation(uid)
    return selected.length
  }

  /** Draws the marks again that were changed from outside. */
  static redraw(): void {
    utilities.triggerAnnotationRenderForViewportIds(allPanes().map(({ id }) => id))
  }

  destroy(): void {
    ToolGroupManager.destroyToolGroup(GROUP_ID)
  }
}
