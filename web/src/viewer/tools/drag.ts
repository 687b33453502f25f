import { BaseTool, type Types as ToolTypes } from '@cornerstonejs/tools'
import { type StackPane } from '../viewport/pane'
import { paneById } from './registry'

type DragEvent = ToolTypes.EventTypes.MouseDragEventType

/** A drag in CSS pixels since the last event, and where it began. */
interface Drag {
  dx: number
  dy: number
  start: readonly [number, number]
}

/** A tool whose whole work is to turn a drag into one call of the viewport. */
abstract class DragTool extends BaseTool {
  constructor(
    toolProps: ToolTypes.PublicToolProps = {},
    defaultToolProps: ToolTypes.ToolProps = { supportedInteractionTypes: ['Mouse', 'Touch'], configuration: {} },
  ) {
    super(toolProps, defaultToolProps)
  }

  protected abstract drag(pane: StackPane, drag: Drag): void

  mouseDragCallback(event: DragEvent): void {
    const { viewportId, deltaPoints, startPoints } = event.detail
    const pane = paneById(viewportId)
    const [dx, dy] = deltaPoints.canvas
    if (pane !== undefined) this.drag(pane, { dx, dy, start: [startPoints.canvas[0], startPoints.canvas[1]] })
  }

  touchDragCallback(event: ToolTypes.EventTypes.TouchDragEventType): void {
    this.mouseDragCallback(event as unknown as DragEvent)
  }
}

/** To the right widens the window, downwards raises its centre, as every workstation has it. */
export class WindowDrag extends DragTool {
  static override toolName = 'HgWindow'
  protected drag(pane: StackPane, { dx, dy }: Drag): void {
    pane.dragWindow(dx, dy)
  }
}

export class PanDrag extends DragTool {
  static override toolName = 'HgPan'
  protected drag(pane: StackPane, { dx, dy }: Drag): void {
    pane.panBy(dx, dy)
  }

  /** Two fingers pan by their middle and zoom by their distance, around that middle. */
  override touchDragCallback(event: ToolTypes.EventTypes.TouchDragEventType): void {
    super.touchDragCallback(event)
    const { viewportId, currentPointsList, currentPoints, deltaDistance } = event.detail
    const [first, second] = currentPointsList.map((points) => points.canvas)
    if (first === undefined || second === undefined) return
    const distance = Math.hypot(second[0] - first[0], second[1] - first[1])
    const before = distance - deltaDistance.canvas
    if (before > 0 && distance > 0) paneById(viewportId)?.zoomBy(distance / before, [currentPoints.canvas[0], currentPoints.canvas[1]])
  }
}

export class ZoomDrag extends DragTool {
  static override toolName = 'HgZoom'
  protected drag(pane: StackPane, { dy, start }: Drag): void {
    pane.zoomBy(Math.exp(-dy / 150), start)
  }
}

const LEAST_STEP_PX = 3
const MOST_STEP_PX = 24

export class ScrollDrag extends DragTool {
  static override toolName = 'HgScroll'
  private rest = 0
  protected drag(pane: StackPane, { dy }: Drag): void {
    const count = pane.state.stack?.frames.length ?? 1
    // The whole stack within one sweep over the viewport, but never more than a picture for a few pixels.
    const step = Math.min(MOST_STEP_PX, Math.max(LEAST_STEP_PX, 400 / count))
    this.rest += dy / step
    const steps = Math.trunc(this.rest)
    this.rest -= steps
    if (steps !== 0) pane.scrollBy(steps)
  }
}
