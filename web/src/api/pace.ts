/** Acts rest this many times as long as they took, however often they are asked for. */
const REST = 3
/** An answer that does not come holds nothing up for longer. */
const LONGEST_MS = 10_000

type Act = () => unknown

interface Turn {
  timer?: ReturnType<typeof setTimeout>
  /** The act has begun or rests; who asks now is served by the next one. */
  begun: boolean
  next: Act | null
}

export interface Pace {
  /** Does the act of this name soon, once for all who ask meanwhile. */
  soon: (name: string, act: Act) => void
  stop: () => void
}

/** Acts by name: never two of one name at once, so that frequent news cannot cut off the reading of a long list. */
export function pace(leastMs: number): Pace {
  const turns = new Map<string, Turn>()
  let stopped = false

  const run = async (name: string, turn: Turn, act: Act): Promise<void> => {
    turn.begun = true
    const began = Date.now()
    await settled(act)
    if (stopped) return
    const rest = Math.min(LONGEST_MS, Math.max(leastMs, REST * (Date.now() - began)))
    turn.timer = setTimeout(() => {
      const { next } = turn
      turn.next = null
      if (next === null) turns.delete(name)
      else void run(name, turn, next)
    }, rest)
  }

  return {
    soon: (name, act) => {
      const turn = turns.get(name)
      if (turn === undefined) {
        const fresh: Turn = { begun: false, next: null }
        turns.set(name, fresh)
        fresh.timer = setTimeout(() => void run(name, fresh, act), leastMs)
      } else if (turn.begun) turn.next = act
    },
    stop: () => {
      stopped = true
      for (const turn of turns.values()) clearTimeout(turn.timer)
    },
  }
}

/** Waits for the act's promise, whatever becomes of it, but not for ever. */
async function settled(act: Act): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LONGEST_MS)
  })
  await Promise.race([Promise.resolve(act()).catch(() => undefined), patience])
  clearTimeout(timer)
}
