import { Popover } from '@mantine/core'
import { IconLayoutGrid } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useDesk, useWorkspace } from '../state/context'
import { MOST_SIDE, type Area } from '../hanging/protocol'
import { type Layout } from '../hanging/shape'
import css from './Layouts.module.css'
import { ToolButton } from './ToolButton'

const SIDES = Array.from({ length: MOST_SIDE }, (_, index) => index + 1)

/** One large picture and the others beside or below it. */
export const UNEVEN: readonly (Layout & { key: 'oneTwo' | 'oneThree' | 'topTwo' | 'twoOne' })[] = [
  { key: 'oneTwo', rows: 2, columns: 3, areas: [{ row: 0, column: 0, rows: 2, columns: 2 }, { row: 0, column: 2 }, { row: 1, column: 2 }] },
  { key: 'oneThree', rows: 3, columns: 4, areas: [{ row: 0, column: 0, rows: 3, columns: 3 }, { row: 0, column: 3 }, { row: 1, column: 3 }, { row: 2, column: 3 }] },
  { key: 'topTwo', rows: 3, columns: 2, areas: [{ row: 0, column: 0, rows: 2, columns: 2 }, { row: 2, column: 0 }, { row: 2, column: 1 }] },
  { key: 'twoOne', rows: 2, columns: 2, areas: [{ row: 0, column: 0 }, { row: 1, column: 0 }, { row: 0, column: 1, rows: 2 }] },
]

const placeOf = ({ row, column, rows = 1, columns = 1 }: Area): { gridArea: string } => ({
  gridArea: `${row + 1} / ${column + 1} / span ${rows} / span ${columns}`,
})

/** How a pane of a layout is placed on the grid; nothing on an even one. */
export const paneStyle = (layout: Layout, pane: number): { gridArea: string } | undefined => {
  const area = layout.areas?.[pane]
  return area && placeOf(area)
}

export const gridStyle = ({ rows, columns }: Layout): { gridTemplateRows: string; gridTemplateColumns: string } => ({
  gridTemplateRows: `repeat(${rows}, minmax(0, 1fr))`,
  gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
})

function Shape({ layout }: { layout: Layout }) {
  return (
    <span className={css['shape']} style={gridStyle(layout)} aria-hidden>
      {layout.areas?.map((area) => <i key={`${area.row}.${area.column}`} style={placeOf(area)} />)}
    </span>
  )
}

/** Rows and columns up to five by five, chosen as on squared paper, and a few uneven ones. */
function Choices({ onChoose }: { onChoose: (layout: Layout) => void }) {
  const { t } = useTranslation('viewer')
  const now = useDesk((state) => state.layout)
  const [over, setOver] = useState<Layout>(now)
  return (
    <div className={css['choices']}>
      <div className={css['paper']} role="group" aria-label={t('action.layout')} dir="ltr" onPointerLeave={() => setOver(now)}>
        {SIDES.flatMap((rows) =>
          SIDES.map((columns) => (
            <button
              key={`${rows}.${columns}`}
              type="button"
              className={css['cell']}
              data-in={rows <= over.rows && columns <= over.columns && over.areas === undefined}
              {...(rows === now.rows && columns === now.columns ? { 'data-autofocus': true } : {})}
              aria-label={t('action.layoutOf', { rows, columns })}
              onPointerEnter={() => setOver({ rows, columns })}
              onFocus={() => setOver({ rows, columns })}
              onClick={() => onChoose({ rows, columns })}
            />
          )),
        )}
      </div>
      <p className={css['said']} aria-hidden>
        {over.areas === undefined ? t('action.layoutOf', { rows: over.rows, columns: over.columns }) : ''}
      </p>
      <div className={css['uneven']}>
        {UNEVEN.map(({ key, ...layout }) => (
          <button key={key} type="button" className={css['unevenOne']} aria-label={t(`hanging.uneven.${key}`)} title={t(`hanging.uneven.${key}`)} onClick={() => onChoose(layout)}>
            <Shape layout={layout} />
          </button>
        ))}
      </div>
    </div>
  )
}

export function Layouts() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const [opened, setOpened] = useState(false)
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" offset={4} trapFocus returnFocus withRoles={false}>
      <Popover.Target>
        <span>
          <ToolButton icon={IconLayoutGrid} label={t('action.layout')} expanded={opened} onClick={() => setOpened(!opened)} />
        </span>
      </Popover.Target>
      <Popover.Dropdown p={8}>
        <Choices
          onChoose={(layout) => {
            setOpened(false)
            void workspace.setLayout(layout)
          }}
        />
      </Popover.Dropdown>
    </Popover>
  )
}
