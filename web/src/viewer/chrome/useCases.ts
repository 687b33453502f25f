import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import { fetchAhead } from '../ahead'
import { caseBeside, tellOpening } from '@/kit/cases'
import { useDesk, useWorkspace } from '../state/context'

/** The reader looks at this case first. */
const AFTER_MS = 1200

/** The cases beside this one in the reader's list: where they lead, and the next one brought in ahead. */
export function useCases(): void {
  const workspace = useWorkspace()
  const navigate = useNavigate()
  const isReady = useDesk((state) => state.status === 'ready' && state.drawing !== undefined)
  useEffect(() => {
    workspace.whenCaseWanted((direction) => {
      const id = caseBeside(workspace.studyId, direction)
      if (id === undefined) return
      tellOpening(id)
      void navigate(`/study/${encodeURIComponent(id)}`)
    })
  }, [workspace, navigate])
  useEffect(() => {
    const next = caseBeside(workspace.studyId, 1)
    if (!isReady || next === undefined) return undefined
    const abort = new AbortController()
    // Without it the next case takes a little longer, and says itself what is wrong.
    const timer = setTimeout(() => void fetchAhead(next, abort.signal).catch(() => undefined), AFTER_MS)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [workspace, isReady])
}
