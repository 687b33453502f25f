import { type Plane, type Point2, type Vec3 } from '@/dicom/geometry'
import { type Frame } from '@/dicom/series'
import { type Size } from './camera'
import { Placement } from './placement'
import { EMPTY_STATE, type Hold, type ViewportState } from './types'

/** What every viewport is, whatever draws it: a state that others follow, and a picture that lies in it in some way. */
export abstract class PlacedPicture {
  state: ViewportState = EMPTY_STATE
  protected readonly listeners = new Set<() => void>()
  protected readonly placement = new Placement({ plane: () => this.plane(), size: () => this.size(), onMoved: () => this.onMoved() })

  constructor(protected readonly surface: HTMLElement) {}

  /** The picture lies otherwise now. */
  protected abstract onMoved(): void

  abstract goTo(index: number): void

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  frame = (): Frame | undefined => this.state.picture?.frame
  scrollBy = (steps: number): void => this.goTo(this.state.index + steps)
  toPixel = (point: Point2): Point2 | undefined => this.placement.toPixel(point)
  pointOf = (pixel: Point2): Point2 | undefined => this.placement.pointOf(pixel)
  toCanvas = (world: Vec3): Point2 | undefined => this.placement.toCanvas(world)
  screenAxes = (): { right: Vec3; down: Vec3 } | undefined => this.placement.screenAxes()

  hold = (hold: Hold): void => this.placement.keep(hold)
  fittingScale = (): number | undefined => this.placement.fittingScale()

  resize(): void {
    if (this.surface.clientWidth > 0) this.placement.refit()
  }

  protected set(change: Partial<ViewportState>): void {
    this.state = { ...this.state, ...change }
    for (const listener of [...this.listeners]) listener()
  }

  protected plane(): Plane | undefined {
    return this.state.picture?.frame.sheet
  }

  protected size(): Size {
    return [this.surface.clientWidth, this.surface.clientHeight]
  }

  /** Where in the stack a wish for this image leads, if it leads elsewhere. */
  protected targetOf(index: number): number | undefined {
    const count = this.state.stack?.frames.length ?? 0
    const target = Math.min(Math.max(Math.round(index), 0), count - 1)
    return count === 0 || target === this.state.index ? undefined : target
  }
}
