import { Button } from '@mantine/core'
import { useCallback, useEffect, useRef, useState, type CSSProperties, type DragEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { planeName, type Point2 } from '@/dicom/geometry'
import { useDesk, useViewportState, useWorkspace } from '../state/context'
import { type Hung } from '../state/desk'
import { type Viewport, type ViewportState } from '../viewport/types'
import { useWindowText } from '../viewport/useWindowText'
import { CineBar } from './CineBar'
import { Corners } from './Corners'
import { DocumentPanel } from './DocumentPanel'
import { OrientationLetters, ScaleBar } from './Edges'
import { OverlayPlanes } from './OverlayPlanes'
import { PANE_MIME, PaneGrip } from './PaneGrip'
import { PaneMarks } from './PaneMarks'
import css from './Pane.module.css'
import { Probe } from './Probe'
import { ScrollBar } from './ScrollBar'
import { CursorCross, ReferenceLines } from './SpaceMarks'
import { useViewport } from './useViewport'
import { useWheel } from './useWheel'

/** What a dragged thumbnail carries. */
export const STACK_MIME = 'application/x-heliograph-stack'

function useLabel(state: ViewportState): string {
  const { t } = useTranslation('viewer')
  const windowText = useWindowText(state)
  const plane = state.picture?.frame.plane
  if (state.stack === undefined) return t('viewport.emptyLabel')
  return t('viewport.label', {
    modality: state.stack.modality,
    plane: plane === undefined ? '' : t(`plane.${planeName(plane.normal)}`),
    index: state.index + 1,
    count: state.stack.frames.length,
    window: windowText,
  })
}

function Over({ viewport, host, pane, size }: { viewport: Viewport; host: HTMLElement; pane: number; size: Point2 }) {
  const state = useViewportState(viewport)
  const level = useDesk((desk) => desk.overlay)
  const { picture, stack } = state
  if (picture === undefined || stack === undefined || state.status !== 'ready') return null
  return (
    <>
      {level !== 'none' && <OverlayPlanes viewport={viewport} picture={picture} />}
      <ReferenceLines pane={pane} viewport={viewport} />
      <CursorCross viewport={viewport} />
      <Corners state={state} picture={picture} level={level} />
      {level !== 'none' && <OrientationLetters viewport={viewport} picture={picture} />}
      {level !== 'none' && <ScaleBar viewport={viewport} picture={picture} state={state} size={size} />}
      {level !== 'none' && <Probe viewport={viewport} host={host} picture={picture} />}
      <ScrollBar viewport={viewport} state={state} />
      {stack.isCine && <CineBar viewport={viewport} state={state} stack={stack} />}
    </>
  )
}

/** `which` names the image: where it would be, nothing else does. */
function Failure({ text, which = '', onRetry }: { text: string; which?: string; onRetry?: () => void }) {
  const { t } = useTranslation('viewer')
  return (
    <div className={`${css['message'] ?? ''} ${css['critical'] ?? ''}`} role="alert">
      <div className={css['failure']}>
        <p dir="auto">{text}</p>
        {which !== '' && <p className={css['quiet']}>{which}</p>}
        {onRetry !== undefined && (
          <Button size="compact-sm" variant="default" className={css['retry'] ?? ''} onClick={onRetry}>
            {t('failure.retry')}
          </Button>
        )}
      </div>
    </div>
  )
}

function Status({ pane, viewport, state, hung }: { pane: number; viewport: Viewport | undefined; state: ViewportState; hung: Hung | undefined }) {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const drawingFailed = useDesk((desk) => desk.drawingFailed)
  const missed = useDesk((desk) => desk.missed[pane])
  const awaited = useDesk((desk) => desk.awaited[pane] === true)
  if (drawingFailed) return <Failure text={t('failure.noGraphics')} />
  if (missed !== undefined) return <Failure text={t('failure.series')} onRetry={() => void workspace.hangSeries(pane, missed.studyId, missed.seriesId)} />
  if (hung === undefined && !awaited) {
    return (
      <p className={css['message']} dir="auto">
        {t('viewport.empty')}
      </p>
    )
  }
  if (state.status === 'failed') {
    const { failure = 'load' } = state
    const retry = failure === 'load' || failure === 'offline' ? { onRetry: () => viewport?.retry() } : {}
    const count = state.stack?.frames.length ?? 0
    const which = count > 0 ? { which: t('overlay.image', { index: state.index + 1, count }) } : {}
    return <Failure text={t(`failure.${failure}`)} {...which} {...retry} />
  }
  // A picture that is there at once needs no word; the style lets this one appear late.
  if (hung === undefined || state.status !== 'ready') {
    return (
      <p className={`${css['message'] ?? ''} ${css['late'] ?? ''}`} dir="auto">
        {t('viewport.loading')}
      </p>
    )
  }
  return null
}

function useDrop(pane: number): { over: boolean; handlers: Record<'onDragOver' | 'onDragLeave' | 'onDrop', (event: DragEvent) => void> } {
  const workspace = useWorkspace()
  const [over, setOver] = useState(false)
  const accepts = (event: DragEvent): boolean => event.dataTransfer.types.some((type) => type === STACK_MIME || type === PANE_MIME)
  return {
    over,
    handlers: {
      onDragOver: (event) => {
        if (!accepts(event)) return
        event.preventDefault()
        setOver(true)
      },
      onDragLeave: () => setOver(false),
      onDrop: (event) => {
        setOver(false)
        if (!accepts(event)) return
        event.preventDefault()
        const from = event.dataTransfer.getData(PANE_MIME)
        if (from !== '') {
          workspace.swap(Number(from), pane)
          return
        }
        const [studyId = '', seriesId = '', stackId = ''] = event.dataTransfer.getData(STACK_MIME).split('|')
        void workspace.hangSeries(pane, studyId, seriesId, stackId)
      },
    },
  }
}

/** One viewport with everything that is written over it. */
export function Pane({ pane, hidden, style }: { pane: number; hidden: boolean; style?: CSSProperties | undefined }) {
  const workspace = useWorkspace()
  const hung = useDesk((state) => state.panes[pane])
  const isActive = useDesk((state) => state.active === pane)
  const [host, setHost] = useState<HTMLDivElement | null>(null)
  const first = useRef<HTMLCanvasElement>(null)
  const root = useRef<HTMLDivElement>(null)
  const { viewport, size } = useViewport(pane, host, first, hung)
  const state = useViewportState(viewport)
  const label = useLabel(state)
  const { over, handlers } = useDrop(pane)
  const relation = useDesk((desk) => desk.studies.find((study) => study.row.id === hung?.studyId)?.relation) ?? 'current'
  useWheel(host, viewport)
  const activate = useCallback(() => workspace.activate(pane), [workspace, pane])
  useEffect(() => {
    if (isActive && root.current?.contains(document.activeElement) === false && document.activeElement?.closest('[data-pane]') != null) root.current.focus()
  }, [isActive])
  const isDocument = hung?.stack.kind === 'document'
  return (
    <div
      ref={root}
      className={css['pane']}
      data-pane={pane}
      data-active={isActive}
      data-relation={relation}
      data-over={over}
      hidden={hidden}
      style={style}
      role={isDocument ? 'region' : 'application'}
      aria-label={label}
      tabIndex={0}
      onPointerDownCapture={activate}
      onFocus={activate}
      onDoubleClick={() => workspace.set({ enlarged: workspace.state.enlarged === undefined ? pane : undefined })}
      onContextMenu={(event) => event.preventDefault()}
      {...handlers}
    >
      <div ref={setHost} className={css['host']} data-blank="true" data-viewport={pane} />
      <canvas ref={first} className={css['first']} data-first={pane} hidden />
      {hung?.stack.kind === 'document' ? (
        <DocumentPanel stack={hung.stack} />
      ) : (
        <>
          {viewport !== undefined && host !== null && <Over viewport={viewport} host={host} pane={pane} size={size} />}
          <Status pane={pane} viewport={viewport} state={state} hung={hung} />
        </>
      )}
      <PaneMarks pane={pane} state={state} hung={hung} />
      {hung !== undefined && <PaneGrip pane={pane} />}
    </div>
  )
}
