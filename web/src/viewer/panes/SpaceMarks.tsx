import { useTranslation } from 'react-i18next'
import { crossingLine, type Plane } from '@/dicom/geometry'
import { type ImageStack } from '@/dicom/series'
import { useDesk, useViewportState, useWorkspace } from '../state/context'
import { distanceTo } from '../state/links'
import { type Viewport } from '../viewport/types'
import { ReferenceLine } from './Edges'
import css from './Pane.module.css'

const planeAt = (stack: ImageStack | undefined, index: number): Plane | undefined => stack?.frames.at(index)?.plane

/** Where the first, the last and the present image of the active pane's series cut this picture. */
export function ReferenceLines({ pane, viewport }: { pane: number; viewport: Viewport }) {
  const workspace = useWorkspace()
  const active = useDesk((state) => state.active)
  const shown = useDesk((state) => state.referenceLines)
  useDesk((state) => state.viewportCount)
  const source = useViewportState(workspace.viewports.get(active))
  const own = useViewportState(viewport)
  const [cut, screen] = [source.picture?.frame.plane, own.picture?.frame.plane]
  if (!shown || pane === active || cut === undefined || screen === undefined) return null
  const many = (source.stack?.frames.length ?? 0) > 1
  const ends = many ? [planeAt(source.stack, 0), planeAt(source.stack, -1)] : []
  return (
    <>
      {ends.map((plane, index) => plane !== undefined && <ReferenceLine key={index} viewport={viewport} line={crossingLine(screen, plane)} isEnd />)}
      <ReferenceLine viewport={viewport} line={crossingLine(screen, cut)} />
    </>
  )
}

const ARM = 9
const GAP = 3

/** The point to which all panes of its frame of reference have gone; faint where the picture does not pass through it. */
export function CursorCross({ viewport }: { viewport: Viewport }) {
  const { t } = useTranslation('viewer')
  const cursor = useDesk((state) => state.cursor)
  const { picture } = useViewportState(viewport)
  const plane = picture?.frame.plane
  if (cursor === undefined || plane?.frameOfReference !== cursor.frameOfReference) return null
  const at = viewport.toCanvas(cursor.point)
  if (at === undefined) return null
  const [x, y] = at
  const path = `M${x - ARM} ${y}H${x - GAP}M${x + GAP} ${y}H${x + ARM}M${x} ${y - ARM}V${y - GAP}M${x} ${y + GAP}V${y + ARM}`
  const isNear = distanceTo(plane, cursor.point) <= 5
  return (
    <svg className={css['lines']} role="img" aria-label={t('hanging.cursor')} data-testid="space-cursor" data-near={isNear}>
      <path d={path} className={css['crossShade']} />
      <path d={path} className={css['cross']} data-near={isNear} />
    </svg>
  )
}
