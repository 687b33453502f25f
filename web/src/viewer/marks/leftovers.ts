import { sendMarks } from '@/api/marks'
import { isPassing } from './marklog'
import { type Queue, type Waiting } from './queue'

const PORTION = 200

/** Sends what was drawn here and never confirmed, of whatever study: after a crash, a lost line, a closed lid. Stops at the first sign of no line. */
export async function sendLeftovers(queue: Queue, user: string, send: typeof sendMarks = sendMarks): Promise<void> {
  const studies = new Map<string, Waiting[]>()
  for (const one of await queue.all(user)) studies.set(one.study, [...(studies.get(one.study) ?? []), one])
  for (const [study, waiting] of studies) {
    for (let at = 0; at < waiting.length; at += PORTION) {
      const portion = waiting.slice(at, at + PORTION)
      try {
        await send(
          study,
          portion.map(({ event }) => event),
        )
        await queue.remove(portion.map(({ event }) => event.id))
      } catch (error) {
        // What is refused stays until its study is opened, where the reader is told.
        if (isPassing(error)) return
      }
    }
  }
}
