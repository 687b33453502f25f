import { type Point2 } from '@/dicom/geometry'

/** Where the pointer is, for keys that mean what lies under it. */
export class Pointer {
  private at: Point2 | undefined
  private readonly move = (event: PointerEvent): void => {
    this.at = [event.clientX, event.clientY]
  }

  constructor() {
    window.addEventListener('pointermove', this.move, { passive: true })
  }

  /** The place within a box, in CSS pixels of it; nothing when the pointer is elsewhere. */
  within({ left, top, width, height }: DOMRect): Point2 | undefined {
    if (this.at === undefined) return undefined
    const [x, y] = [this.at[0] - left, this.at[1] - top]
    return x >= 0 && y >= 0 && x < width && y < height ? [x, y] : undefined
  }

  stop(): void {
    window.removeEventListener('pointermove', this.move)
  }
}
