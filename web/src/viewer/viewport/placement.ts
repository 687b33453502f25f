import { pixelToPatient, type Plane, type Point2, type Vec3 } from '@/dicom/geometry'
import { axesOf, canvasToPixel, centrePixel, fitScale, keepInSight, patientToCanvas, snapCentre, type Presentation, type Size } from './camera'
import { type Hold } from './types'

const SMALLEST_ZOOM = 0.02
const LARGEST_ZOOM = 64

export interface Sheet {
  plane: () => Plane | undefined
  /** Size of the viewport in CSS pixels. */
  size: () => Size
  /** Called after every change. */
  onMoved: () => void
}

/** How the picture lies in the viewport, and everything by which a reader moves it. */
export class Placement {
  private presentation: Presentation = { centre: [0, 0], scale: 1, rotation: 0, flipHorizontal: false, flipVertical: false }
  /** True while the picture fills the viewport, so that it goes on doing so when the viewport changes. */
  private fitted = true
  private held: Hold = { align: 'center' }

  constructor(private readonly sheet: Sheet) {}

  get current(): Presentation {
    return this.presentation
  }

  /** Screen pixels per image pixel along a row. */
  zoomOn(plane: Plane): number {
    return this.presentation.scale * plane.spacing[1] * devicePixelRatio
  }

  /** At which side and how large at most, while the picture fills the viewport. */
  keep(hold: Hold): void {
    this.held = hold
    if (this.fitted) this.fit()
  }

  fittingScale(): number | undefined {
    const plane = this.sheet.plane()
    return plane === undefined ? undefined : fitScale(plane, this.presentation.rotation, this.sheet.size())
  }

  /** Upright and unmirrored, as every new series begins; nothing is drawn yet. */
  begin(): void {
    this.fitted = true
    this.presentation = { ...this.presentation, rotation: 0, flipHorizontal: false, flipVertical: false }
  }

  reset(): void {
    this.begin()
    this.fit()
  }

  refit(): void {
    if (this.fitted) this.fit()
    else this.sheet.onMoved()
  }

  fit(): void {
    const plane = this.sheet.plane()
    if (plane === undefined) return
    this.fitted = true
    const { rotation, flipHorizontal } = this.presentation
    const size = this.sheet.size()
    const scale = Math.min(fitScale(plane, rotation, size), this.held.largest ?? Infinity)
    const [x, y] = centrePixel(plane)
    // To a side only as it lies: a picture that is turned by hand goes back to the middle.
    const side = rotation !== 0 || this.held.align === 'center' ? 0 : this.held.align === 'left' ? 1 : -1
    const room = Math.max(0, size[0] / scale - plane.size[1] * plane.spacing[1]) / 2
    this.present({ centre: [x + (side * (flipHorizontal ? -1 : 1) * room) / plane.spacing[1], y], scale })
  }

  oneToOne(): void {
    const plane = this.sheet.plane()
    if (plane === undefined) return
    this.fitted = false
    const { rotation, centre } = this.presentation
    this.present({ scale: 1 / (plane.spacing[1] * devicePixelRatio), centre: snapCentre(centre, rotation, this.sheet.size(), devicePixelRatio) })
  }

  zoomBy(factor: number, around?: Point2): void {
    const plane = this.sheet.plane()
    if (plane === undefined) return
    const unit = plane.spacing[1] * devicePixelRatio
    const scale = Math.min(Math.max(this.presentation.scale * factor, SMALLEST_ZOOM / unit), LARGEST_ZOOM / unit)
    const size = this.sheet.size()
    const point = around ?? [size[0] / 2, size[1] / 2]
    const before = canvasToPixel(plane, this.presentation, size, point)
    const after = canvasToPixel(plane, { ...this.presentation, scale }, size, point)
    const { centre } = this.presentation
    this.fitted = false
    this.present({ scale, centre: keepInSight(plane, [centre[0] + before[0] - after[0], centre[1] + before[1] - after[1]]) })
  }

  panBy(dx: number, dy: number): void {
    const plane = this.sheet.plane()
    if (plane === undefined) return
    const size = this.sheet.size()
    const centre = canvasToPixel(plane, this.presentation, size, [size[0] / 2 - dx, size[1] / 2 - dy])
    this.fitted = false
    this.present({ centre: keepInSight(plane, centre) })
  }

  rotateBy(degrees: number): void {
    this.presentation = { ...this.presentation, rotation: (((this.presentation.rotation + degrees) % 360) + 360) % 360 }
    this.refit()
  }

  /** Mirrors what is seen: on a picture turned by 90 degrees the screen's horizontal is the picture's vertical. */
  flip(axis: 'horizontal' | 'vertical'): void {
    const { rotation, flipHorizontal, flipVertical } = this.presentation
    const turned = rotation % 180 !== 0
    const horizontal = (axis === 'horizontal') !== turned
    this.present(horizontal ? { flipHorizontal: !flipHorizontal } : { flipVertical: !flipVertical })
  }

  toPixel(point: Point2): Point2 | undefined {
    const plane = this.sheet.plane()
    return plane === undefined ? undefined : canvasToPixel(plane, this.presentation, this.sheet.size(), point)
  }

  pointOf(pixel: Point2): Point2 | undefined {
    const plane = this.sheet.plane()
    return plane === undefined ? undefined : this.toCanvas(pixelToPatient(plane, pixel))
  }

  toCanvas(world: Vec3): Point2 | undefined {
    const plane = this.sheet.plane()
    return plane === undefined ? undefined : patientToCanvas(plane, this.presentation, this.sheet.size(), world)
  }

  screenAxes(): { right: Vec3; down: Vec3 } | undefined {
    const plane = this.sheet.plane()
    return plane === undefined ? undefined : axesOf(plane, this.presentation)
  }

  private present(change: Partial<Presentation>): void {
    this.presentation = { ...this.presentation, ...change }
    this.sheet.onMoved()
  }
}
