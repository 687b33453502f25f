import { useEffect, useRef, useState, type RefObject } from 'react'
import { type Point2 } from '@/dicom/geometry'
import { useDesk, useWorkspace } from '../state/context'
import { type Hung } from '../state/desk'
import { type Viewport } from '../viewport/types'
import { PaneSlot } from './slot'

/** Makes the viewport of a pane, a simple one until the drawing code is there, and shows in it what hangs. */
export function useViewport(
  pane: number,
  host: HTMLDivElement | null,
  canvas: RefObject<HTMLCanvasElement | null>,
  hung: Hung | undefined,
): { viewport: Viewport | undefined; size: Point2 } {
  const workspace = useWorkspace()
  const drawing = useDesk((state) => state.drawing)
  useDesk((state) => state.viewportCount)
  const [size, setSize] = useState<Point2>([0, 0])
  const slot = useRef<PaneSlot>(undefined)

  useEffect(() => {
    if (host === null || canvas.current === null) return undefined
    const made = new PaneSlot(workspace, pane, host, canvas.current)
    slot.current = made
    const observer = new ResizeObserver(() => {
      if (host.clientWidth === 0) return
      setSize([host.clientWidth, host.clientHeight])
      made.resize()
      for (const viewport of workspace.viewports.values()) viewport.resize()
    })
    observer.observe(host)
    return () => {
      observer.disconnect()
      slot.current = undefined
      made.close()
    }
  }, [host, canvas, pane, workspace])

  // After the first effect, in the same commit: the slot is there by then.
  useEffect(() => slot.current?.hang(hung), [host, workspace, hung])
  useEffect(() => {
    if (drawing !== undefined) slot.current?.useDrawing(drawing)
  }, [host, workspace, drawing])

  return { viewport: workspace.viewports.get(pane), size }
}
