import { type Plane } from '@/dicom/geometry'

/** What the windows of one desk tell each other; nothing of a patient but the id of the study that all of them show. */
export type Word =
  | { kind: 'case'; studyId: string }
  | { kind: 'plane'; studyId: string; plane: Plane }
  | { kind: 'hello' }
  | { kind: 'closed' }

interface Letter {
  desk: string
  from: string
  word: Word
}

const NAME = 'heliograph-desk'
const KEY = 'heliograph-desk'

/** The desk of this tab: a second window is told whose it is, and hears no other. */
export function deskOfTab(): string {
  const known = sessionStorage.getItem(KEY)
  if (known !== null) return known
  const made = crypto.randomUUID()
  sessionStorage.setItem(KEY, made)
  return made
}

const isLetter = (value: unknown): value is Letter =>
  typeof value === 'object' && value !== null && 'desk' in value && 'from' in value && 'word' in value && typeof (value as Letter).word === 'object'

/** The line between the windows of one desk. */
export class DeskChannel {
  private readonly own = crypto.randomUUID()
  private readonly line: BroadcastChannel

  constructor(
    private readonly desk: string,
    hear: (word: Word) => void,
  ) {
    this.line = new BroadcastChannel(NAME)
    this.line.onmessage = (event: MessageEvent<unknown>) => {
      if (isLetter(event.data) && event.data.desk === desk && event.data.from !== this.own) hear(event.data.word)
    }
  }

  say(word: Word): void {
    this.line.postMessage({ desk: this.desk, from: this.own, word } satisfies Letter)
  }

  close(): void {
    this.line.close()
  }
}
