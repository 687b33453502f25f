import { cache, Enums, type RenderingEngine, type Types } from '@cornerstonejs/core'
import vtkColorTransferFunction from '@kitware/vtk.js/Rendering/Core/ColorTransferFunction.js'
import { ApiError } from '@/api/client'
import { scheduleOf } from '@/dicom/cine'
import { add, scale as scaled, type Point2 } from '@/dicom/geometry'
import { type ImageStack } from '@/dicom/series'
import { curveOf, dragWindow, rangeOf, windowFromRange, type Voi } from '@/dicom/window'
import { frameQueue, PRIORITY } from '../pixels/framequeue'
import { firstLookAt, isFirst } from '../pixels/first'
import { fetchImage, frameOf, imageIdOf, pictureOf, setPriority } from '../pixels/imageloader'
import { type Picture } from '../pixels/picture'
import { cameraOf } from './camera'
import { paintFlat } from './flat'
import { isPlain } from './paint'
import { PlacedPicture } from './placed'
import { Player } from './player'
import { Prefetcher } from './prefetch'
import { beginsInverted, isNaturallyInverse, resolveVoi, type VoiChoice } from './presets'
import { EMPTY_STATE, type PaneFailure, type Viewport } from './types'

/** Of the memory for pictures, the part that guesses may fill. */
const PREFETCH_SHARE = 0.85
/** How long a pane waits before it asks again for an image that a server that was away did not give. */
const AGAIN_MS = 5000
/** In a parallel projection the distance of the eye means nothing, as long as the picture is within the clipping range. */
const EYE_DISTANCE = 100
const DEEPEST = 1_000_000

/** Our viewport on a stack viewport of Cornerstone3D. Camera, window and inversion are ours; the library draws. */
export class StackPane extends PlacedPicture implements Viewport {
  readonly hasTools = true
  private readonly drawing: Types.IStackViewport
  private prefetcher: Prefetcher | undefined
  private player: Player | undefined
  private imageIds: string[] = []
  private direction: 1 | -1 = 1
  /** Counts what has been asked for, so that an answer that comes late is recognised as late. */
  private generation = 0
  /** True from a wish to draw until the library says that it has drawn. */
  private drawPending = false
  private destroyed = false
  /** The image that the stack should have begun with cannot be had: the first that can be opens it. */
  private isUnopened = false
  /** The last picture of this stack that was on the screen: what comes after a failure keeps its place. */
  private last: Picture | undefined
  private retryTimer: ReturnType<typeof setTimeout> | undefined
  /** Smaller pictures of what takes long to come whole, over the library's own canvas. */
  private readonly look: HTMLCanvasElement
  /** Windows computed from the first picture that needed one: they must not flicker from slice to slice. */
  private readonly steady = new Map<string, Voi>()

  constructor(
    private readonly engine: RenderingEngine,
    readonly id: string,
    private readonly element: HTMLDivElement,
    /** True when a study may be shown here now: asked again for every picture before it is painted. */
    private readonly isOnScreen: (studyUid: string) => boolean,
  ) {
    super(element)
    engine.enableElement({ viewportId: id, type: Enums.ViewportType.STACK, element, defaultOptions: { background: [0, 0, 0] } })
    this.drawing = engine.getViewport<Types.IStackViewport>(id)
    this.look = document.createElement('canvas')
    Object.assign(this.look.style, { position: 'absolute', inset: '0', width: '100%', height: '100%', pointerEvents: 'none' })
    this.look.hidden = true
    element.after(this.look)
    element.addEventListener(Enums.Events.STACK_NEW_IMAGE, this.onNewImage)
    element.addEventListener(Enums.Events.IMAGE_RENDERED, this.onRendered)
  }

  get isDrawn(): boolean {
    return !this.drawPending
  }

  async show(stack: ImageStack, index = 0): Promise<void> {
    this.stopPlaying()
    this.dropGuesses()
    const generation = (this.generation += 1)
    this.imageIds = stack.frames.map(imageIdOf)
    const start = Math.min(Math.max(index, 0), stack.frames.length - 1)
    this.steady.clear()
    this.last = undefined
    this.isUnopened = false
    this.set({ ...EMPTY_STATE, speed: this.state.speed, status: 'loading', stack, index: start, revision: this.state.revision + 1 })
    this.hide(true)
    this.placement.begin()
    this.wantNow(start)
    this.lookAt(start)
    try {
      await this.load(start)
      if (this.generation !== generation || this.destroyed) return
      await this.open(stack, generation)
    } catch (error) {
      if (this.generation !== generation) return
      this.isUnopened = true
      this.fail(failureOf(error))
    }
  }

  private async open(stack: ImageStack, generation: number): Promise<void> {
    await this.drawing.setStack(this.imageIds, this.state.index)
    this.isUnopened = false
    this.startPrefetch(stack, generation)
  }

  clear(): void {
    this.stopPlaying()
    this.dropGuesses()
    this.generation += 1
    this.imageIds = []
    this.hide(true)
    this.set({ ...EMPTY_STATE, revision: this.state.revision + 1 })
  }

  retry(): void {
    const { stack, index, status } = this.state
    this.prefetcher?.forgetFailures()
    if (stack === undefined || status !== 'failed') return
    if (this.drawing.getImageIds() === this.imageIds) void this.draw(index)
    else void this.show(stack, index)
  }

  goTo(index: number): void {
    const target = this.targetOf(index)
    if (target === undefined) return
    this.direction = target > this.state.index ? 1 : -1
    const left = this.state.stack?.frames[this.state.index]
    if (left !== undefined) frameQueue.lower(left.url)
    // One that is in memory is on the screen at once, and says so then: the page is laid out once for it and not twice.
    if (this.isLoaded(target)) this.state = { ...this.state, index: target }
    else this.set({ index: target })
    void this.draw(target)
  }

  choose(choice: VoiChoice): void {
    this.set({ choice })
    this.applyCurve()
  }

  dragWindow(dx: number, dy: number): void {
    const { picture, voi } = this.state
    if (picture === undefined || voi === undefined || picture.colour) return
    // A table has no centre and width: dragging leaves it for the window that spans it.
    const window = voi.kind === 'window' ? voi : windowFromRange(rangeOf(voi))
    const whole = Number.isInteger(picture.rescale.slope) && !picture.format.float
    // In proportion to the window, so that a narrow one can be set finely and a wide one quickly.
    const step = Math.max(window.width / 200, whole ? 1 : (picture.extent.max - picture.extent.min) / 4096)
    const dragged = dragWindow(window, dx, dy, whole ? Math.round(step) : step)
    this.choose({ kind: 'user', voi: dragged })
  }

  invert(): void {
    this.set({ inverted: !this.state.inverted })
    this.applyCurve()
  }

  rotateBy = (degrees: number): void => this.placement.rotateBy(degrees)
  flip = (axis: 'horizontal' | 'vertical'): void => this.placement.flip(axis)
  fit = (): void => this.placement.fit()
  oneToOne = (): void => this.placement.oneToOne()
  zoomBy = (factor: number, around?: Point2): void => this.placement.zoomBy(factor, around)
  panBy = (dx: number, dy: number): void => this.placement.panBy(dx, dy)

  reset(): void {
    const { picture } = this.state
    this.set({ choice: EMPTY_STATE.choice, inverted: picture !== undefined && beginsInverted(picture) })
    this.placement.reset()
    this.applyCurve()
  }

  play(playing: boolean): void {
    const { stack } = this.state
    if (playing === this.state.playing || stack === undefined || stack.frames.length < 2) return
    if (!playing) {
      this.stopPlaying()
      return
    }
    const first = stack.frames[0]
    if (first === undefined) return
    this.player = new Player(scheduleOf(first.attributes, stack.frames.length), this.playerTarget(), this.state.speed)
    this.set({ playing: true })
    this.player.start()
  }

  setSpeed(speed: number): void {
    this.player?.setSpeed(speed)
    this.set({ speed })
  }

  override resize(): void {
    if (!this.destroyed) super.resize()
  }

  destroy(): void {
    this.destroyed = true
    clearTimeout(this.retryTimer)
    this.stopPlaying()
    this.dropGuesses()
    this.element.removeEventListener(Enums.Events.STACK_NEW_IMAGE, this.onNewImage)
    this.element.removeEventListener(Enums.Events.IMAGE_RENDERED, this.onRendered)
    this.engine.disableElement(this.id)
    this.look.remove()
    this.listeners.clear()
  }

  private hide(hidden: boolean): void {
    this.element.dataset['blank'] = String(hidden)
    this.look.hidden = true
    // Nothing of this case stays on the canvas (guard 4).
    this.look.width = 0
  }

  /** Shows a smaller picture of a large image while the whole is on its way. What is drawn over pictures waits for the whole: nothing is measured on less. */
  private lookAt(index: number): void {
    const { generation } = this
    const frame = this.state.stack?.frames[index]
    if (frame === undefined || this.isLoaded(index) || isFirst(frame)) return
    void firstLookAt(frame)?.then(
      (picture) => {
        const isCurrent = generation === this.generation && this.state.index === index && !this.destroyed && !this.isLoaded(index)
        if (isCurrent && frame.studyUid === this.state.stack?.studyUid && this.isOnScreen(frame.studyUid)) this.showLook({ ...picture, frame })
      },
      () => undefined,
    )
  }

  private showLook(picture: Picture): void {
    const voi = this.voiFor(this.state.choice, picture)
    if (!isPlain(picture, voi)) return
    this.hide(true)
    this.set({
      status: 'ready', failure: undefined, picture, voi, ...(this.last === undefined ? { inverted: beginsInverted(picture) } : {}),
    })
    if (this.last === undefined) this.fit()
    this.paintLook()
  }

  private paintLook(): void {
    const { picture, voi, inverted } = this.state
    const plane = this.plane()
    if (picture?.reduction === undefined || voi === undefined || plane === undefined) return
    if (paintFlat(this.look, { picture, voi, inverted, placement: this.placement, plane, size: this.size() })) this.drawPending = false
  }

  private fail(failure: PaneFailure): void {
    this.hide(true)
    clearTimeout(this.retryTimer)
    if (failure === 'offline') this.retryTimer = setTimeout(() => this.retry(), AGAIN_MS)
    this.set({ status: 'failed', failure, picture: undefined, voi: undefined })
  }

  /** Lets the queue know that the reader waits for this frame. */
  private wantNow(index: number): void {
    const [imageId, frame] = [this.imageIds[index], this.state.stack?.frames[index]]
    if (imageId === undefined || frame === undefined) return
    setPriority(imageId, PRIORITY.display)
    frameQueue.raise(frame.url)
  }

  private load(index: number): Promise<unknown> {
    const imageId = this.imageIds[index]
    if (imageId === undefined) return Promise.reject(new RangeError('no such image'))
    return fetchImage(imageId)
  }

  private isLoaded = (index: number): boolean => {
    const imageId = this.imageIds[index]
    return imageId !== undefined && cache.isLoaded(imageId)
  }

  private async draw(index: number): Promise<void> {
    const { generation } = this
    const { stack } = this.state
    this.wantNow(index)
    const isCurrent = (): boolean => generation === this.generation && this.state.index === index && !this.destroyed
    try {
      if (!this.isLoaded(index)) {
        this.lookAt(index)
        if (this.state.status === 'failed') this.set({ status: 'loading' })
        await this.load(index)
      }
      if (!isCurrent()) return
      const drawn = this.drawing.getCurrentImageIdIndex() === index && this.drawing.getImageIds() === this.imageIds
      if (drawn) this.paint(this.drawing.getCornerstoneImage())
      else if (this.drawing.getImageIds() === this.imageIds) await this.drawing.setImageIdIndex(index)
      else if (this.isUnopened && stack !== undefined) await this.open(stack, generation)
    } catch (error) {
      if (isCurrent()) this.fail(failureOf(error))
      return
    }
    if (isCurrent()) this.prefetcher?.moveTo({ index, direction: this.direction, count: this.imageIds.length })
  }

  private render(): void {
    this.drawPending = true
    this.drawing.render()
  }

  private readonly onRendered = (): void => {
    this.drawPending = false
  }

  private readonly onNewImage = (event: Event): void => {
    const { image } = (event as CustomEvent<{ image: Types.IImage }>).detail
    this.paint(image)
  }

  /** The one place through which a picture reaches the screen. Guard 4: it must belong to the study that is on screen. */
  private paint(image: Types.IImage): void {
    const kept = pictureOf(image)
    const { stack } = this.state
    const frame = frameOf(image.imageId)
    if (kept === undefined || stack === undefined || frame === undefined) return
    // The same pixels may have been read for an older document of the series; what is said about them is the newest.
    const picture = kept.frame === frame ? kept : { ...kept, frame }
    if (frame.studyUid !== stack.studyUid || !this.isOnScreen(frame.studyUid)) {
      this.fail('wrongStudy')
      return
    }
    const isFirst = this.last === undefined
    const isNewShape = !isFirst && !sameShape(this.last, picture)
    this.last = picture
    this.set({
      status: 'ready',
      failure: undefined,
      picture,
      loaded: this.countLoaded(),
      ...(isFirst ? { inverted: beginsInverted(picture) } : {}),
    })
    if (isFirst || isNewShape) this.fit()
    else this.applyCamera()
    this.applyCurve()
    this.hide(false)
  }

  private countLoaded(): number {
    return this.imageIds.reduce((sum, imageId) => sum + (cache.isLoaded(imageId) ? 1 : 0), 0)
  }

  protected onMoved(): void {
    this.applyCamera()
  }

  private applyCamera(): void {
    const plane = this.plane()
    if (plane === undefined) return
    this.paintLook()
    const { focalPoint, viewUp, viewPlaneNormal, parallelScale } = cameraOf(plane, this.placement.current, this.size())
    this.drawing.setCamera({
      focalPoint: [...focalPoint],
      position: [...add(focalPoint, scaled(viewPlaneNormal, EYE_DISTANCE))],
      viewUp: [...viewUp],
      viewPlaneNormal: [...viewPlaneNormal],
      parallelScale,
      clippingRange: [-DEEPEST, DEEPEST],
    })
    this.render()
    const { rotation, flipHorizontal, flipVertical } = this.placement.current
    this.set({ rotation, flipHorizontal, flipVertical, zoom: this.placement.zoomOn(plane), revision: this.state.revision + 1 })
  }

  /** Writes window or table, and inversion, into the transfer function; the library resets it with every image. */
  private applyCurve(): void {
    const { picture, choice, inverted } = this.state
    if (picture?.reduction !== undefined) {
      this.set({ voi: this.voiFor(choice, picture) })
      this.paintLook()
      return
    }
    const actor = this.drawing.getDefaultActor() as Types.ActorEntry | undefined
    if (picture === undefined || actor === undefined) return
    const voi = this.voiFor(choice, picture)
    const curve = vtkColorTransferFunction.newInstance()
    for (const { value, grey } of curveOf(voi, inverted !== isNaturallyInverse(picture), picture.presentation)) curve.addRGBPoint(value, grey, grey, grey)
    const property = (actor.actor as Types.ImageActor).getProperty()
    property.setUseLookupTableScalarRange(true)
    property.setRGBTransferFunction(0, curve)
    this.render()
    this.set({ voi })
  }

  private voiFor(choice: VoiChoice, picture: Picture): Voi {
    const isComputed = choice.kind === 'auto' || (choice.kind === 'header' && picture.headerVois.length === 0)
    if (!isComputed || picture.colour) return resolveVoi(choice, picture)
    const key = choice.kind === 'auto' ? choice.how : 'first'
    const known = this.steady.get(key) ?? resolveVoi(choice, picture)
    this.steady.set(key, known)
    return known
  }

  private startPrefetch(stack: ImageStack, generation: number): void {
    const { imageIds } = this
    this.prefetcher = new Prefetcher({
      isLoaded: (index) => cache.isLoaded(imageIds[index] ?? ''),
      load: async (index, near) => {
        const imageId = imageIds[index] ?? ''
        setPriority(imageId, near ? PRIORITY.neighbour : PRIORITY.rest)
        await fetchImage(imageId)
      },
      hasRoom: () => cache.getCacheSize() < cache.getMaxCacheSize() * PREFETCH_SHARE,
      onProgress: () => {
        if (this.generation === generation) this.set({ loaded: this.countLoaded() })
      },
    })
    this.prefetcher.moveTo({ index: this.state.index, direction: 1, count: stack.frames.length })
  }

  private dropGuesses(): void {
    this.prefetcher?.stop()
    this.prefetcher = undefined
    frameQueue.dropGuesses(this.state.stack?.frames.map((frame) => frame.url) ?? [])
  }

  private stopPlaying(): void {
    this.player?.stop()
    this.player = undefined
    if (this.state.playing) this.set({ playing: false, shownRate: 0 })
  }

  private playerTarget(): ConstructorParameters<typeof Player>[1] {
    return {
      index: () => this.state.index,
      isLoaded: this.isLoaded,
      show: (index) => this.goTo(index),
      onRate: (shownRate) => {
        if (shownRate !== this.state.shownRate) this.set({ shownRate })
      },
    }
  }
}

function sameShape(a: Picture | undefined, b: Picture): boolean {
  return a !== undefined && a.rows === b.rows && a.columns === b.columns && Math.abs(a.frame.sheet.spacing[0] - b.frame.sheet.spacing[0]) < 1e-6
}

/** A server that starts, or a proxy in front of one that does. */
const PASSING = new Set([502, 503, 504])

function failureOf(error: unknown): PaneFailure {
  if (error instanceof ApiError && error.code === 'no_pixels') return 'noPixels'
  if (error instanceof ApiError && error.code === 'object_damaged') return 'damaged'
  if (error instanceof ApiError && (error.offline || PASSING.has(error.status))) return 'offline'
  const name = error instanceof Error ? error.name : ''
  return name === 'ApiError' || name === 'AbortError' ? 'load' : 'decode'
}
