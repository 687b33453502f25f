import { useEffect } from 'react'
import { useLive } from '@/api/live'
import { sendLeftovers } from '@/viewer/marks/leftovers'
import { BrowserQueue } from '@/viewer/marks/queue'

/** What a person drew here and the server never confirmed goes out when the person comes back, and whenever the line does. */
export function useLeftovers(userId: string, mayKeep: boolean): void {
  const returns = useLive((live) => live.returns)
  useEffect(() => {
    if (mayKeep) void sendLeftovers(new BrowserQueue(), userId).catch(() => undefined)
  }, [userId, mayKeep, returns])
}
