import { useEffect } from 'react'
import { tellActive } from '@/api/session'
import { type SessionFacts } from '@/api/types'

const TELL_EVERY_MS = 30_000
const LOOK_EVERY_MS = 5_000
const MOVES = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const

/** Tells the server that a person is here, and looks whether it locked the screen when nobody was. All windows of a person count together. */
export function useIdle(facts: SessionFacts, look: () => void): void {
  const minutes = facts.state === 'open' ? facts.idle_lock_minutes : 0
  useEffect(() => {
    if (minutes === 0) return
    let moved = Date.now()
    let told = 0
    const move = (): void => {
      moved = Date.now()
      if (moved - told < Math.min(TELL_EVERY_MS, (minutes * 60_000) / 4)) return
      told = moved
      tellActive().catch(() => undefined)
    }
    for (const kind of MOVES) window.addEventListener(kind, move, { passive: true, capture: true })
    const timer = setInterval(() => {
      if (Date.now() - moved > minutes * 60_000) look()
    }, LOOK_EVERY_MS)
    return () => {
      clearInterval(timer)
      for (const kind of MOVES) window.removeEventListener(kind, move, { capture: true })
    }
  }, [minutes, look])
}
