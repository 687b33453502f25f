import { ActionIcon } from '@mantine/core'
import { IconPencil, IconStarFilled, IconTrash } from '@tabler/icons-react'
import { memo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useStore } from 'zustand'
import { type MarkBody } from '@/api/marks'
import { type Basis } from '@/dicom/calibration'
import { type PlacedMark } from '../marks/markdesk'
import { printedValues } from '../marks/printing'
import { useBasis } from '../panes/useBasis'
import { useWorkspace } from '../state/context'
import { type Workspace } from '../state/workspace'
import css from './SidePanel.module.css'

/** Brings the image of a mark into view: in a pane that shows its stack already, else in the active one. */
async function show(workspace: Workspace, studyId: string, { image }: MarkBody): Promise<void> {
  const is = (frame: { sopUid: string; number: number }): boolean => frame.sopUid === image.sop_uid && frame.number === image.frame
  for (const [pane, viewport] of workspace.viewports) {
    const index = viewport.state.stack?.frames.findIndex(is) ?? -1
    if (index < 0 || !workspace.visiblePanes().includes(pane)) continue
    workspace.activate(pane)
    viewport.goTo(index)
    return
  }
  const row = workspace.study(studyId)?.series.find((entry) => entry.row.series_uid === image.series_uid)?.row
  const entry = row === undefined ? undefined : await workspace.loadSeries(studyId, row.id)
  for (const stack of entry?.stacks ?? []) {
    const index = stack.kind === 'images' ? stack.frames.findIndex(is) : -1
    if (index >= 0) workspace.hang(workspace.state.active, studyId, stack, index)
  }
}

function Label({ id, label }: { id: string; label: string }) {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const [text, setText] = useState<string>()
  if (text === undefined) {
    return (
      <button type="button" className={css['label']} dir="auto" aria-label={label === '' ? t('marks.label') : `${t('marks.label')}: ${label}`} onClick={() => setText(label)}>
        {label === '' ? <IconPencil size={14} stroke={1.6} aria-hidden /> : label}
      </button>
    )
  }
  const save = (): void => {
    workspace.marks.setLabel(id, text.trim())
    setText(undefined)
  }
  return (
    <input
      className={css['input']}
      dir="auto"
      // The reader has just asked for it.
      autoFocus
      maxLength={400}
      aria-label={t('marks.label')}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={save}
      onKeyDown={(event) => {
        event.stopPropagation()
        if (event.key === 'Enter') event.currentTarget.blur()
        if (event.key === 'Escape') setText(undefined)
      }}
    />
  )
}

const OneMark = memo(function OneMark({ placed: { studyId, mark, body } }: { placed: PlacedMark }) {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const basis = useBasis()
  const stated = body.measured[0]?.basis ?? ''
  const rests = stated === '' ? '' : basis(stated as Basis)
  const doubt = mark.doubt === '' ? '' : t(`marks.doubt.${mark.doubt as 'value_differs'}`)
  return (
    <li className={css['mark']} data-mark={mark.id} data-kind={body.kind}>
      <button type="button" className={css['go']} title={t('marks.goTo')} onClick={() => void show(workspace, studyId, body)}>
        {body.kind === 'key' ? <IconStarFilled size={14} aria-hidden /> : <span dir="ltr">{printedValues(body)}</span>}
        <span className={css['quiet']}>
          {[t(`tool.${body.kind}`), rests, mark.drawnBy === '' ? '' : t('marks.by', { name: mark.drawnBy })].filter((part) => part !== '').join(' · ')}
        </span>
        {doubt !== '' && <span className={css['failed']}>{doubt}</span>}
      </button>
      <Label id={mark.id} label={body.label} />
      <ActionIcon variant="subtle" size={24} aria-label={t('action.deleteMark')} onClick={() => workspace.marks.remove(mark.id)}>
        <IconTrash size={14} />
      </ActionIcon>
    </li>
  )
})

/** What is drawn on the studies of the desk, and whether the server has it. */
export function MarksPanel() {
  const { t } = useTranslation('viewer')
  const { marks, keeping, waiting } = useStore(useWorkspace().marks.store)
  return (
    <section>
      <h3>{t('marks.title')}</h3>
      {marks.length === 0 ? (
        <p className={css['quiet']}>{t('marks.none')}</p>
      ) : (
        <ul className={css['list']}>
          {marks.map((placed) => (
            <OneMark key={placed.mark.id} placed={placed} />
          ))}
        </ul>
      )}
      {(marks.length > 0 || keeping !== 'kept') && (
        <p className={keeping === 'refused' ? css['failed'] : css['quiet']} role="status" data-keeping={keeping}>
          {keeping === 'waiting' ? t('marks.waiting', { count: waiting }) : t(`marks.${keeping}`)}
        </p>
      )}
    </section>
  )
}
