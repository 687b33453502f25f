import { type MarkBody } from '@/api/marks'

/** One change of one mark, as it was before and as it is after. */
export interface Change {
  id: string
  studyId: string
  before: MarkBody | null
  after: MarkBody | null
}

const MOST = 500

/** What can be taken back, and what was taken back. Belongs to one case. */
export class History {
  private readonly done: Change[] = []
  private readonly undone: Change[] = []

  add(change: Change): void {
    this.done.push(change)
    if (this.done.length > MOST) this.done.shift()
    this.undone.length = 0
  }

  /** The change to turn round now. */
  undo(): Change | undefined {
    const change = this.done.pop()
    if (change !== undefined) this.undone.push(change)
    return change
  }

  redo(): Change | undefined {
    const change = this.undone.pop()
    if (change !== undefined) this.done.push(change)
    return change
  }
}
