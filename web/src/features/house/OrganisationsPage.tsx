import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/api/access'
import { type Organisation, useOrganisations } from '@/api/house'
import { Empty } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { Page } from '@/kit/Page'
import { State } from '@/kit/State'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import { useSelection } from '@/kit/useSelection'
import { NewOrganisationPane, OrganisationPane } from './OrganisationPane'

const rowId = (row: Organisation): string => row.id

function OrganisationState({ row }: { row: Organisation }) {
  const { t } = useTranslation('access')
  if (row.closed_at !== null) return <State tone="stopped">{t('organisation.closed')}</State>
  return <State tone="ok">{t(row.is_house ? 'organisation.house' : 'organisation.open')}</State>
}

function useColumns(): Column<Organisation>[] {
  const { t } = useTranslation('access')
  const format = useFormat()
  // Those who run the installation are called as its settings say.
  const house = useSession().site.name
  return useMemo(
    (): Column<Organisation>[] => [
      { id: 'display', title: t('organisation.display_name'), width: 200, grow: 1, fixed: true, sortValue: (row) => row.display_name, cell: (row) => <strong><bdi>{row.display_name || house}</bdi></strong> },
      { id: 'name', title: t('organisation.name'), width: 150, sortValue: (row) => row.name, cell: (row) => <bdi>{row.name}</bdi> },
      { id: 'titles', title: t('organisation.titles'), width: 160, grow: 1, cell: (row) => <bdi title={row.titles.join(', ')}>{row.titles.join(', ') || '–'}</bdi> },
      { id: 'hosts', title: t('organisation.hosts'), width: 220, grow: 1, cell: (row) => <bdi title={row.hosts.join(', ')}>{row.hosts.join(', ') || '–'}</bdi> },
      { id: 'since', title: t('organisation.since'), width: 140, sortValue: (row) => row.created_at, cell: (row) => <span title={format.instant(row.created_at)}>{format.relative(row.created_at)}</span> },
      { id: 'state', title: t('site.state'), width: 230, cell: (row) => <OrganisationState row={row} /> },
    ],
    [t, format, house],
  )
}

/** Who runs the installation: the organisations on it, how calls and people find theirs, which are closed. */
export default function OrganisationsPage() {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const organisations = useOrganisations()
  const selection = useSelection(organisations.data?.items, rowId)
  const [adding, setAdding] = useState(false)
  const columns = useColumns()
  const shown = selection.open ? selection.row : undefined
  const show = (row: Organisation): void => {
    setAdding(false)
    selection.show(row.id)
  }
  return (
    <Page
      title={app('page.organisations')}
      lead={t('organisation.lead')}
      actions={
        <Button variant="filled" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>
          {t('organisation.add')}
        </Button>
      }
      side={
        adding ? (
          <NewOrganisationPane onClose={() => setAdding(false)} />
        ) : (
          shown !== undefined && <OrganisationPane key={`${shown.id} ${shown.name} ${shown.closed_at ?? ''}`} organisation={shown} onClose={selection.close} />
        )
      }
    >
      <ListTable
        name="organisations"
        label={app('page.organisations')}
        columns={columns}
        reading={organisations}
        rowId={rowId}
        card={(row) => (
          <span className={css['card']}>
            <span className={css['line']}>
              <strong className={css['clip']}>{row.display_name || row.name}</strong>
              <OrganisationState row={row} />
            </span>
            <span className={css['quiet']}>{[row.name, ...row.hosts].join(' · ')}</span>
          </span>
        )}
        selected={selection.id}
        onSelect={selection.select}
        onOpen={show}
        onSpace={show}
        empty={<Empty title={t('organisation.none')} />}
      />
    </Page>
  )
}
