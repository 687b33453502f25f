import { useEffect, useState } from 'react'
import { type Point2 } from '@/dicom/geometry'
import { useDesk, useWorkspace } from '../state/context'
import { type Hung } from '../state/desk'
import { type Viewport } from '../viewport/types'

/** Makes the viewport of a pane once the drawing code is there, and shows in it what hangs. */
export function useViewport(pane: number, host: HTMLDivElement | null, hung: Hung | undefined): { viewport: Viewport | undefined; size: Point2 } {
  const workspace = useWorkspace()
  const drawing = useDesk((state) => state.drawing)
  useDesk((state) => state.viewportCount)
  const viewport = workspace.viewports.get(pane)
  const [size, setSize] = useState<Point2>([0, 0])

  useEffect(() => {
    if (drawing === undefined || host === null) return undefined
    const engine = drawing.startEngine()
    const made = new drawing.StackPane(engine, `pane-${pane}`, host, (studyUid) => workspace.isOnScreen(studyUid))
    drawing.registerPane(made)
    workspace.addViewport(pane, made)
    let index = -1
    const stop = made.subscribe(() => {
      if (made.state.index === index) return
      index = made.state.index
      workspace.follow(pane)
    })
    const observer = new ResizeObserver(() => {
      if (host.clientWidth === 0) return
      setSize([host.clientWidth, host.clientHeight])
      engine.resize(true, true)
      for (const other of workspace.viewports.values()) other.resize()
    })
    observer.observe(host)
    return () => {
      observer.disconnect()
      stop()
      workspace.removeViewport(pane, made)
      drawing.unregisterPane(made)
      made.destroy()
    }
  }, [drawing, host, pane, workspace])

  useEffect(() => {
    if (viewport === undefined) return
    if (hung?.stack.kind === 'images') void viewport.show(hung.stack, hung.index)
    else viewport.clear()
  }, [viewport, hung])

  return { viewport, size }
}
