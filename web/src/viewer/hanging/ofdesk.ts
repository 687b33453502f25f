import { type SeenPane } from './capture'
import { type Workspace } from '../state/workspace'
import { type VoiChoice } from '../viewport/presets'

function voiOf(choice: VoiChoice | undefined): SeenPane['voi'] {
  if (choice?.kind === 'preset') return { preset: choice.name }
  return choice?.kind === 'user' && choice.voi.kind === 'window' ? { center: choice.voi.center, width: choice.voi.width } : undefined
}

/** What hangs now, pane by pane: of the study, and of an earlier one of the same person; anything else is left out. */
export function seenPanes(workspace: Workspace): (SeenPane | undefined)[] {
  return workspace.visiblePanes().map((pane) => {
    const hung = workspace.state.panes[pane]
    const study = workspace.study(hung?.studyId ?? '')
    const row = study?.series.find((entry) => entry.row.series_uid === hung?.stack.seriesUid)?.row
    if (hung === undefined || study === undefined || row === undefined || study.isOtherPatient) return undefined
    if (study.relation !== 'current' && study.relation !== 'prior') return undefined
    const viewport = workspace.viewports.get(pane)
    const { stack } = hung
    const index = viewport?.state.index ?? hung.index
    const count = stack.kind === 'images' ? stack.frames.length : 1
    const sopUid = row.facts.images !== undefined && stack.kind === 'images' ? (stack.frames[index]?.sopUid ?? '') : ''
    const voi = voiOf(viewport?.state.choice)
    const initial = sopUid !== '' || index < count / 3 ? 'first' : index > (2 * count) / 3 ? 'last' : 'middle'
    return { series: row, isPrior: study.relation === 'prior', sopUid, initial, align: hung.wish.align, ...(voi === undefined ? {} : { voi }) }
  })
}
