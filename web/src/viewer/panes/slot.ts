import { type Drawing, type Hung } from '../state/desk'
import { type Workspace } from '../state/workspace'
import { isChestWallAt } from '../hanging/wish'
import { FirstPane } from '../viewport/firstpane'
import { type Viewport } from '../viewport/types'

/** True when the picture that was asked for is on the screen, or never will be. */
function isThere({ state, isDrawn }: Viewport): boolean {
  return state.status === 'failed' || (state.status === 'ready' && isDrawn && state.picture?.frame === state.stack?.frames[state.index] && state.picture?.reduction === undefined)
}

/** The place of a viewport: a simple one paints the first picture, and the library's takes over once it has drawn the same. */
export class PaneSlot {
  private viewport: Viewport
  /** The library's viewport while it prepares behind the first picture. */
  private coming: Viewport | undefined
  private hung: Hung | undefined
  private watch = 0
  private stopFollowing: () => void = () => undefined
  private unregister: () => void = () => undefined
  private wakeDrawing: () => void = () => undefined
  private closed = false

  constructor(
    private readonly workspace: Workspace,
    private readonly pane: number,
    private readonly host: HTMLDivElement,
    canvas: HTMLCanvasElement,
  ) {
    this.viewport = new FirstPane(host, canvas, this.isOnScreen, () => workspace.needDrawing())
    this.engage(this.viewport)
  }

  /** The drawing code is there. */
  useDrawing(drawing: Drawing): void {
    if (this.viewport.hasTools || this.coming !== undefined || this.closed) return
    const engine = drawing.startEngine()
    const made = new drawing.StackPane(engine, `pane-${this.pane}`, this.host, this.isOnScreen)
    drawing.registerPane(made)
    this.unregister = () => drawing.unregisterPane(made)
    this.wakeDrawing = () => engine.resize(true, true)
    this.coming = made
    const { status, stack, index } = this.viewport.state
    if (status === 'ready' && stack !== undefined) {
      void made.show(stack, index)
      this.fulfil(made)
      this.watch = requestAnimationFrame(this.look)
    } else {
      this.takeOver()
      this.show(this.viewport)
    }
  }

  hang(hung: Hung | undefined): void {
    if (hung === this.hung) return
    this.hung = hung
    if (this.coming !== undefined) this.takeOver()
    this.show(this.viewport)
  }

  resize(): void {
    this.wakeDrawing()
    this.coming?.resize()
    this.workspace.sizeTogether()
  }

  close(): void {
    this.closed = true
    cancelAnimationFrame(this.watch)
    this.stopFollowing()
    this.workspace.removeViewport(this.pane, this.viewport)
    this.unregister()
    this.coming?.destroy()
    this.viewport.destroy()
  }

  private readonly isOnScreen = (studyUid: string): boolean => this.workspace.isOnScreen(studyUid)

  private show(viewport: Viewport): void {
    if (this.hung?.stack.kind !== 'images') {
      viewport.clear()
      return
    }
    void viewport.show(this.hung.stack, this.hung.index)
    this.fulfil(viewport)
  }

  /** Shows a picture as its protocol wants it: window, side, and black and white exchanged or not. */
  private fulfil(viewport: Viewport): void {
    const { hung } = this
    if (hung?.stack.kind !== 'images') return
    const { align, choice, invert } = hung.wish
    viewport.hold({ align })
    if (choice !== undefined) viewport.choose(choice)
    const frame = hung.stack.frames[hung.index]
    if (align !== 'center' && frame !== undefined && isChestWallAt(frame.attributes.text('PatientOrientation'), align) === false) viewport.flip('horizontal')
    const stop = viewport.subscribe(() => {
      const { stack, status, inverted } = viewport.state
      if (stack === hung.stack && status === 'loading') return
      stop()
      if (stack !== hung.stack || status !== 'ready') return
      if (invert !== undefined && inverted !== invert) viewport.invert()
      this.workspace.sizeTogether()
    })
  }

  /** Waits for the library's picture; the reader may have scrolled meanwhile. */
  private readonly look = (): void => {
    const { coming, viewport } = this
    if (coming === undefined) return
    coming.goTo(viewport.state.index)
    if (isThere(coming)) this.takeOver()
    else this.watch = requestAnimationFrame(this.look)
  }

  private takeOver(): void {
    if (this.coming === undefined) return
    cancelAnimationFrame(this.watch)
    this.stopFollowing()
    this.workspace.removeViewport(this.pane, this.viewport)
    this.viewport.destroy()
    this.viewport = this.coming
    this.coming = undefined
    this.engage(this.viewport)
  }

  /** Puts a viewport to work: the others follow its scrolling. */
  private engage(viewport: Viewport): void {
    this.workspace.addViewport(this.pane, viewport)
    let index = -1
    this.stopFollowing = viewport.subscribe(() => {
      this.workspace.seen.note(viewport.state)
      if (viewport.state.index === index) return
      index = viewport.state.index
      this.workspace.follow(this.pane)
    })
  }
}
