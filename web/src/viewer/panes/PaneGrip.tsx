import { IconGripVertical } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useDesk, useWorkspace } from '../state/context'
import css from './Pane.module.css'

/** What a dragged pane carries. */
export const PANE_MIME = 'application/x-heliograph-pane'

/** By which a pane is dragged onto another: the two change places. By keyboard: Shift with an arrow. */
export function PaneGrip({ pane }: { pane: number }) {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const isLinked = useDesk((state) => {
    const [here, active] = [state.panes[pane], state.panes[state.active]]
    return state.linked && state.offsets > 0 && pane !== state.active && here !== undefined && active !== undefined && workspace.links.hasOffset(active.stack.id, here.stack.id)
  })
  return (
    <span className={css['corner']}>
      {isLinked && (
        <span className={css['linked']} title={t('hanging.offsetSet')}>
          {t('hanging.linked')}
        </span>
      )}
      <span
        className={css['grip']}
        draggable
        title={t('hanging.drag')}
        data-testid={`grip-${pane}`}
        onDragStart={(event) => {
          event.dataTransfer.setData(PANE_MIME, String(pane))
          event.dataTransfer.effectAllowed = 'move'
        }}
        aria-hidden
      >
        <IconGripVertical size={14} />
      </span>
    </span>
  )
}
