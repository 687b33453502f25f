import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/access'
import { useNodes } from '@/api/lists'
import { type RemoteNode } from '@/api/types'
import { Empty } from '@/kit/Empty'
import css from '@/kit/form.module.css'
import { Page } from '@/kit/Page'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import { useSelection } from '@/kit/useSelection'
import { NodePane } from './NodePane'
import { NodeSearch } from './NodeSearch'

const rowId = (row: RemoteNode): string => row.id

function useColumns(onSearch: (id: string) => void): Column<RemoteNode>[] {
  const { t } = useTranslation()
  return useMemo(
    (): Column<RemoteNode>[] => [
      { id: 'name', title: t('node.name'), width: 220, grow: 1, fixed: true, sortValue: (row) => row.name, cell: (row) => <strong><bdi>{row.name}</bdi></strong> },
      { id: 'aet', title: t('device.aet'), width: 160, sortValue: (row) => row.aet, cell: (row) => row.aet },
      { id: 'address', title: t('device.address'), width: 240, sortValue: (row) => row.host, cell: (row) => `${row.host}:${row.port}` },
      {
        id: 'search',
        title: t('node.studies_there'),
        width: 170,
        cell: (row) => (
          <Button size="compact-xs" onClick={() => onSearch(row.id)}>
            {t('node.search')}
          </Button>
        ),
      },
    ],
    [t, onSearch],
  )
}

/** Other archives: look into them, fetch from them, send to them. */
export function NodesPage() {
  const { t } = useTranslation()
  const nodes = useNodes()
  const mayManage = useMay('node.manage')
  const [adding, setAdding] = useState(false)
  const [searching, setSearching] = useState<string | null>(null)
  const selection = useSelection(nodes.data?.items, rowId)
  const columns = useColumns(setSearching)
  const node = nodes.data?.items.find((item) => item.id === searching)
  if (node !== undefined) return <NodeSearch node={node} onBack={() => setSearching(null)} />
  const shown = adding ? null : selection.open ? selection.row : undefined
  const add = (
    <Button variant="filled" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>
      {t('node.add')}
    </Button>
  )
  return (
    <Page
      title={t('page.nodes')}
      lead={t('node.lead')}
      actions={mayManage && add}
      side={
        shown !== undefined && (
          <NodePane
            key={shown?.id ?? 'new'}
            node={shown}
            onSearch={setSearching}
            onClose={() => {
              setAdding(false)
              selection.close()
            }}
          />
        )
      }
    >
      <ListTable
        name="nodes"
        label={t('page.nodes')}
        columns={columns}
        reading={nodes}
        rowId={rowId}
        card={(row) => (
          <span className={css['card']}>
            <strong>
              <bdi>{row.name}</bdi>
            </strong>
            <span className={css['quiet']}>
              {row.aet} · {row.host}:{row.port}
            </span>
          </span>
        )}
        selected={selection.id}
        onSelect={selection.select}
        onOpen={(row) => {
          setAdding(false)
          selection.show(row.id)
        }}
        onSpace={(row) => selection.show(row.id)}
        empty={
          <Empty title={t('node.none')} actions={mayManage && add}>
            {t('node.none_hint')}
          </Empty>
        }
      />
    </Page>
  )
}
