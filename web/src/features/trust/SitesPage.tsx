import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Site, useSites } from '@/api/trust'
import { Empty } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { Page } from '@/kit/Page'
import { State } from '@/kit/State'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import { useSelection } from '@/kit/useSelection'
import { NewSitePane, SitePane } from './SitePane'

const rowId = (row: Site): string => String(row.id)

function SiteState({ site }: { site: Site }) {
  const { t } = useTranslation('access')
  if (site.closed_at !== null) return <State tone="stopped">{t('site.closed')}</State>
  return <State tone="ok">{t(site.is_first ? 'site.first' : 'site.open')}</State>
}

function useColumns(): Column<Site>[] {
  const { t } = useTranslation('access')
  const format = useFormat()
  return useMemo(
    (): Column<Site>[] => [
      { id: 'name', title: t('site.name'), width: 220, grow: 1, fixed: true, sortValue: (row) => row.name, cell: (row) => <strong><bdi>{row.name}</bdi></strong> },
      { id: 'departments', title: t('site.departments'), width: 280, grow: 1, cell: (row) => <bdi>{row.departments.filter((one) => one.closed_at === null).map((one) => one.name).join(', ')}</bdi> },
      { id: 'studies', title: t('site.studies'), width: 110, align: 'end', sortValue: (row) => row.studies, cell: (row) => format.count(row.studies) },
      { id: 'people', title: t('site.people'), width: 110, align: 'end', sortValue: (row) => row.people, cell: (row) => format.count(row.people) },
      { id: 'devices', title: t('site.devices'), width: 110, align: 'end', sortValue: (row) => row.devices, cell: (row) => format.count(row.devices) },
      { id: 'timezone', title: t('site.timezone'), width: 160, cell: (row) => row.timezone },
      { id: 'state', title: t('site.state'), width: 190, cell: (row) => <SiteState site={row} /> },
    ],
    [t, format],
  )
}

/** Where the organisation works: sites and departments, what came there, who works there, which devices stand there. */
export default function SitesPage() {
  const { t } = useTranslation('access')
  const sites = useSites()
  const selection = useSelection(sites.data?.items, rowId)
  const [adding, setAdding] = useState(false)
  const columns = useColumns()
  const shown = selection.open ? selection.row : undefined
  return (
    <Page
      title={t('site.title')}
      lead={t('site.lead')}
      actions={
        <Button variant="filled" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>
          {t('site.add')}
        </Button>
      }
      side={
        adding ? (
          <NewSitePane
            onClose={(id) => {
              setAdding(false)
              if (id !== undefined) selection.show(String(id))
            }}
          />
        ) : (
          shown !== undefined && (
            <SitePane key={shown.id} site={shown} sites={sites.data?.items ?? []} devices={sites.data?.devices ?? []} onClose={selection.close} />
          )
        )
      }
    >
      <ListTable
        name="sites"
        label={t('site.title')}
        columns={columns}
        reading={sites}
        rowId={rowId}
        card={(row) => (
          <span className={css['card']}>
            <span className={css['line']}>
              <strong className={css['clip']}>{row.name}</strong>
              <SiteState site={row} />
            </span>
            <span className={css['quiet']}>{`${t('site.studies')} ${row.studies} · ${t('site.people')} ${row.people} · ${t('site.devices')} ${row.devices}`}</span>
          </span>
        )}
        selected={selection.id}
        onSelect={selection.select}
        onOpen={(row) => {
          setAdding(false)
          selection.show(rowId(row))
        }}
        onSpace={(row) => selection.show(rowId(row))}
        empty={<Empty title={t('site.none')} />}
      />
    </Page>
  )
}
