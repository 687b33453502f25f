import { useSyncExternalStore } from 'react'
import { useWorkspace } from '../state/context'
import { type ViewportState } from '../viewport/types'

/** How many images of the stack on screen have not been there, and which have. */
export function useSeen({ stack }: ViewportState): { unseen: number; runs: { first: number; count: number }[] } {
  const { seen } = useWorkspace()
  useSyncExternalStore(seen.subscribe, () => (stack === undefined ? 0 : seen.unseen(stack)))
  return stack === undefined ? { unseen: 0, runs: [] } : { unseen: seen.unseen(stack), runs: seen.runs(stack) }
}
