import { useSyncExternalStore, useState } from 'react'
import { useSession } from '@/api/access'
import { onOpening } from '@/kit/cases'
import { Desk } from './chrome/Desk'
import { askForStudy } from './early'
import { setReader } from './marks/reader'
import { besideOf } from './screens/useScreens'
import { Lifetime } from './state/lifetime'
import { WorkspaceProvider } from './state/context'

/** Brings the drawing code in ahead of time: for an idle moment of a list from which studies are opened. */
export function preload(): void {
  onOpening((studyId) => void askForStudy(studyId))
  void import('./viewport/drawing').then(
    (drawing) => drawing.startEngine(),
    () => undefined,
  )
  void import('./pixels/decode').then(
    (decode) => decode.warmCopies(),
    () => undefined,
  )
}

/** The reading workspace of one study. Another study is another workspace: nothing is carried from case to case. */
export default function StudyViewer({ studyId }: { studyId: string }) {
  return <OneStudy key={studyId} studyId={studyId} />
}

function OneStudy({ studyId }: { studyId: string }) {
  const { user, permissions } = useSession()
  setReader({ id: user.id, mayKeep: permissions.includes('study.mark') })
  const [lifetime] = useState(() => new Lifetime(studyId, besideOf(window.location.search).number))
  const workspace = useSyncExternalStore(lifetime.subscribe, lifetime.current)
  if (workspace === undefined) return null
  return (
    <WorkspaceProvider value={workspace}>
      <Desk />
    </WorkspaceProvider>
  )
}
