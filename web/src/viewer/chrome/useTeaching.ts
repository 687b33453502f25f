import { useEffect } from 'react'
import { type Workspace } from '../state/workspace'
import { useDesk } from '../state/context'

/** Teaching mode as a mark on the whole page: everything that carries `data-identity` is out of sight and out of reach. */
export function useTeaching(workspace: Workspace): boolean {
  const teaching = useDesk((state) => state.teaching)
  useEffect(() => {
    const root = document.documentElement
    if (!teaching) return undefined
    root.dataset['teaching'] = 'true'
    return () => {
      delete root.dataset['teaching']
    }
  }, [teaching, workspace])
  return teaching
}
