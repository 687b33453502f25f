import { useTranslation } from 'react-i18next'
import { calibrationAt } from '@/dicom/calibration'
import { dot, edgeLetters, type Point2, type Vec3 } from '@/dicom/geometry'
import { type Picture } from '../pixels/picture'
import { type Viewport, type ViewportState } from '../viewport/types'
import css from './Pane.module.css'
import { useBasis } from './useBasis'

function letters(picture: Picture, direction: Vec3): string {
  const { sheet, attributes } = picture.frame
  return edgeLetters(attributes, [dot(direction, sheet.row), dot(direction, sheet.column)])
}

const opposite = ([x, y, z]: Vec3): Vec3 => [-x, -y, -z]

/** Letters of the patient's sides at the middle of each edge; none when the object states no orientation. */
export function OrientationLetters({ viewport, picture }: { viewport: Viewport; picture: Picture }) {
  const axes = viewport.screenAxes()
  if (axes === undefined) return null
  const edges = {
    edgeTop: letters(picture, opposite(axes.down)),
    edgeBottom: letters(picture, axes.down),
    edgeLeft: letters(picture, opposite(axes.right)),
    edgeRight: letters(picture, axes.right),
  }
  return Object.entries(edges).map(([edge, text]) =>
    text === '' ? null : (
      <span key={edge} className={`${css['edge'] ?? ''} ${css[edge] ?? ''}`} data-testid={edge} dir="ltr">
        {text}
      </span>
    ),
  )
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500]
const LONGEST_PX = 220

/** A bar of a round length, where the size of a pixel is known; its basis is said when it is not the plain one. */
export function ScaleBar({ viewport, picture, state, size }: { viewport: Viewport; picture: Picture; state: ViewportState; size: Point2 }) {
  const { t } = useTranslation('viewer')
  const basisOf = useBasis()
  const middle = viewport.toPixel([size[0] / 2, size[1] / 2])
  if (middle === undefined) return null
  const calibration = calibrationAt(picture.frame.attributes, [middle])
  if (calibration.unit !== 'mm') return null
  const turned = state.rotation % 180 !== 0
  const pixelsPerMm = state.zoom / devicePixelRatio / calibration.spacing[turned ? 0 : 1]
  const aspect = turned ? picture.frame.sheet.spacing[0] / picture.frame.sheet.spacing[1] : 1
  const fitting = STEPS.filter((step) => step * pixelsPerMm * aspect <= Math.min(LONGEST_PX, size[0] * 0.3))
  const length = fitting.at(-1)
  if (length === undefined) return null
  const label = length >= 10 ? t('scale.cm', { value: length / 10 }) : t('scale.mm', { value: length })
  const basis = basisOf(calibration.basis)
  const width = length * pixelsPerMm * aspect
  const path = `M2 1V9H${width + 2}V1`
  return (
    <div className={css['scale']} dir="ltr">
      <svg width={width + 4} height={11} aria-hidden>
        <path d={path} className={css['scaleShade']} />
        <path d={path} className={css['scaleLine']} />
      </svg>
      <span>
        {label}
        {basis !== '' && calibration.basis !== 'region' ? ` · ${basis}` : ''}
      </span>
    </div>
  )
}

/** Where the picture of the active pane crosses this one. */
export function ReferenceLine({ viewport, line, isEnd = false }: { viewport: Viewport; line: readonly [Vec3, Vec3] | undefined; isEnd?: boolean }) {
  const [from, to] = [line && viewport.toCanvas(line[0]), line && viewport.toCanvas(line[1])]
  if (from === undefined || to === undefined) return null
  return (
    <svg className={css['lines']} aria-hidden data-testid={isEnd ? 'reference-end' : 'reference-line'}>
      <line x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} className={css['lineShade']} />
      <line x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} className={css['line']} data-end={isEnd} />
    </svg>
  )
}
