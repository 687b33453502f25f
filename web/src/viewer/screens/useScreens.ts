import { useEffect, useState } from 'react'
import { useLocation, useNavigate } from 'react-router'
import { type Workspace } from '../state/workspace'
import { deskOfTab, DeskChannel } from './channel'

export interface Beside {
  /** Which window of its desk this is: 0 for the first. */
  number: number
  desk: string
}

export function besideOf(search: string): Beside {
  const said = new URLSearchParams(search)
  const number = Number(said.get('beside') ?? 0)
  const desk = said.get('desk') ?? ''
  return Number.isInteger(number) && number > 0 && number < 16 && desk !== '' ? { number, desk } : { number: 0, desk: deskOfTab() }
}

/**
 * Keeps the windows of one desk at one case: the second follows the first to the next case and scrolls with it; when the first
 * is closed, it says so. Answers which window this is, and whether the first is gone.
 */
export function useScreens(workspace: Workspace): { number: number; isAlone: boolean } {
  const { search } = useLocation()
  const navigate = useNavigate()
  const [isAlone, setAlone] = useState(false)
  const { number, desk } = besideOf(search)
  useEffect(() => {
    const isFirst = number === 0
    const line = new DeskChannel(desk, (word) => {
      if (word.kind === 'hello' && isFirst) line.say({ kind: 'case', studyId: workspace.studyId })
      if (word.kind === 'closed' && !isFirst) setAlone(true)
      if (word.kind === 'plane' && word.studyId === workspace.studyId) workspace.followPlane(word.plane)
      if (word.kind !== 'case' || isFirst) return
      setAlone(false)
      if (word.studyId !== workspace.studyId) void navigate(`/study/${word.studyId}?beside=${number}&desk=${desk}`, { replace: true })
    })
    line.say(isFirst ? { kind: 'case', studyId: workspace.studyId } : { kind: 'hello' })
    workspace.tellScrolls((plane) => line.say({ kind: 'plane', studyId: workspace.studyId, plane }))
    const leave = (): void => line.say({ kind: 'closed' })
    if (isFirst) window.addEventListener('pagehide', leave)
    return () => {
      window.removeEventListener('pagehide', leave)
      workspace.tellScrolls(undefined)
      line.close()
    }
  }, [workspace, navigate, number, desk])
  return { number, isAlone }
}
