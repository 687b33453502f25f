import { type Frame, type ImageStack } from '@/dicom/series'
import { firstLookAt, firstPicture } from '../pixels/first'
import { type Picture } from '../pixels/picture'
import { paintFlat } from './flat'
import { isPlain } from './paint'
import { PlacedPicture } from './placed'
import { beginsInverted, resolveVoi, type VoiChoice } from './presets'
import { EMPTY_STATE, type Viewport } from './types'

const nothing = (): void => undefined

/**
 * Shows the first picture of a stack, and lets the reader scroll, until the drawing library has been loaded and has drawn the
 * same: a viewport without tools. What it cannot paint exactly as the library does it leaves to the library.
 */
export class FirstPane extends PlacedPicture implements Viewport {
  readonly id = ''
  readonly hasTools = false
  isDrawn = false
  private generation = 0

  constructor(
    host: HTMLElement,
    private readonly canvas: HTMLCanvasElement,
    private readonly isOnScreen: (studyUid: string) => boolean,
    /** Called when a picture has reached the screen, or will not without the library. */
    private readonly onOver: () => void,
  ) {
    super(host)
  }

  async show(stack: ImageStack, index = 0): Promise<void> {
    this.clear()
    this.set({ status: 'loading', stack, index: Math.min(Math.max(index, 0), stack.frames.length - 1) })
    this.placement.begin()
    await this.draw()
  }

  clear(): void {
    this.generation += 1
    this.canvas.hidden = true
    this.isDrawn = false
    this.set({ ...EMPTY_STATE, revision: this.state.revision + 1 })
  }

  goTo(index: number): void {
    const target = this.targetOf(index)
    if (target === undefined) return
    this.set({ index: target })
    void this.draw()
  }

  choose(choice: VoiChoice): void {
    this.set({ choice })
  }

  retry = nothing
  // The toolbar wakes with the drawing library, moments later.
  dragWindow = nothing
  invert = nothing
  rotateBy = nothing
  flip = (axis: 'horizontal' | 'vertical'): void => this.placement.flip(axis)
  fit = nothing
  oneToOne = nothing
  zoomBy = nothing
  reset = nothing
  play = nothing
  setSpeed = nothing

  destroy(): void {
    this.generation += 1
    this.listeners.clear()
    this.canvas.hidden = true
    // Gives the memory back, and leaves nothing of this case on the canvas (guard 4).
    this.canvas.width = 0
  }

  private async draw(): Promise<void> {
    const { stack, index } = this.state
    const frame = stack?.frames[index]
    const generation = (this.generation += 1)
    if (frame === undefined) {
      this.onOver()
      return
    }
    try {
      const look = firstLookAt(frame)
      const whole = firstPicture(frame)
      await look?.then(
        (picture) => generation === this.generation && this.take(frame, picture),
        () => undefined,
      )
      const picture = await whole
      if (generation === this.generation && !this.take(frame, picture)) this.onOver()
    } catch {
      // The library's own pane will ask again, and say what is wrong.
      this.onOver()
    }
  }

  /** Guard 4: the picture must belong to the study that is on screen. */
  private take(frame: Frame, picture: Picture): boolean {
    const voi = resolveVoi(this.state.choice, picture)
    if (frame.studyUid !== this.state.stack?.studyUid || !this.isOnScreen(frame.studyUid) || !isPlain(picture, voi)) return false
    this.set({ status: 'ready', picture: { ...picture, frame }, voi, inverted: beginsInverted(picture), loaded: picture.reduction === undefined ? 1 : 0 })
    this.placement.fit()
    return true
  }

  protected onMoved(): void {
    const { picture, voi, inverted, revision } = this.state
    const plane = this.plane()
    if (picture === undefined || voi === undefined || plane === undefined || this.surface.clientWidth === 0) return
    if (!paintFlat(this.canvas, { picture, voi, inverted, placement: this.placement, plane, size: this.size() })) return
    const { flipHorizontal, flipVertical } = this.placement.current
    this.set({ zoom: this.placement.zoomOn(plane), flipHorizontal, flipVertical, revision: revision + 1 })
    // After the frame that shows it: the library keeps the page busy while it starts.
    requestAnimationFrame(() => {
      this.isDrawn = true
      setTimeout(this.onOver)
    })
  }
}
