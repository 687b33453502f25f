/**
 * Answers that were asked for before the code that wants them was there. Each is given once, to the first who asks, and only
 * while it is fresh; an answer that was a refusal, or never came, is asked for again by whoever needs it.
 */
const FRESH_MS = 10_000

interface Begun {
  at: number
  answer: Promise<unknown>
}

const begun = new Map<string, Begun>()

async function read(path: string): Promise<unknown> {
  try {
    const response = await fetch(path, { headers: { Accept: 'application/json' }, credentials: 'same-origin', priority: 'high' })
    return response.ok ? ((await response.json()) as unknown) : undefined
  } catch {
    return undefined
  }
}

export function askEarly(path: string): Promise<unknown> {
  const answer = read(path)
  begun.set(path, { at: performance.now(), answer })
  return answer
}

export async function takeEarly(path: string): Promise<unknown> {
  const found = begun.get(path)
  if (found === undefined) return undefined
  begun.delete(path)
  return performance.now() - found.at > FRESH_MS ? undefined : found.answer
}
