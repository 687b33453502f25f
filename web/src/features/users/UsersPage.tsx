import { Button, SegmentedControl } from '@mantine/core'
import { IconDeviceTv, IconFileSpreadsheet, IconPlus } from '@tabler/icons-react'
import { type TFunction } from 'i18next'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useUsers } from '@/api/lists'
import { RESTRICTIONS, useSites } from '@/api/trust'
import { ROLES, type User } from '@/api/types'
import { Empty } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { Page } from '@/kit/Page'
import { State } from '@/kit/State'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import { useSelection } from '@/kit/useSelection'
import { ImportPeople } from './ImportPeople'
import { TokensTable } from './TokensTable'
import { StationPane } from './StationPane'
import { UserPane } from './UserPane'

const rowId = (row: User): string => row.id

export function roleWord(t: TFunction, role: string): string {
  const known = ROLES.find((item) => item === role)
  return known === undefined ? role : t(`role.${known}`)
}

function useColumns(): Column<User>[] {
  const { t } = useTranslation()
  const { t: words } = useTranslation('access')
  const format = useFormat()
  const sites = useSites().data?.items
  const names = useMemo(() => new Map(sites?.map((site) => [site.id, site.name])), [sites])
  return useMemo(
    (): Column<User>[] => [
      { id: 'display', title: t('users.display_name'), width: 170, grow: 1, fixed: true, sortValue: (row) => row.display_name, cell: (row) => <strong><bdi>{row.display_name}</bdi></strong> },
      { id: 'name', title: t('users.name'), width: 130, grow: 0.5, sortValue: (row) => row.name, cell: (row) => <bdi>{row.name}</bdi> },
      { id: 'roles', title: t('users.roles'), width: 190, grow: 1, cell: (row) => row.roles.map((role) => roleWord(t, role)).join(', ') },
      { id: 'sites', title: words('person.sites'), width: 130, grow: 0.5, cell: (row) => <bdi>{row.everywhere ? words('person.everywhere_short') : row.site_ids.map((id) => names.get(id) ?? '').filter(Boolean).join(', ')}</bdi> },
      { id: 'clearances', title: words('person.clearances'), width: 110, cell: (row) => RESTRICTIONS.filter((one) => row.clearances.includes(one)).map((one) => words(`value.${one}`)).join(', ') },
      { id: 'second', title: words('person.second'), width: 120, cell: (row) => <Second row={row} /> },
      { id: 'seen', title: t('users.last_seen'), width: 110, sortValue: (row) => row.last_seen_at ?? '', cell: (row) => (row.last_seen_at === null ? t('users.never') : format.relative(row.last_seen_at)) },
      { id: 'state', title: t('column.state'), width: 160, cell: (row) => <UserState row={row} /> },
    ],
    [t, words, format, names],
  )
}

function Second({ row }: { row: User }) {
  const { t } = useTranslation('access')
  if (row.must_enrol) return <State tone="waiting">{t('person.must_enrol')}</State>
  if (row.kind === 'station') return null
  const has = [row.has_totp ? t('person.app') : '', row.passkeys > 0 ? t('person.passkeys', { n: row.passkeys }) : ''].filter(Boolean)
  return has.length > 0 ? has.join(', ') : <span className={css['quiet']}>{t('person.no_second')}</span>
}

function UserState({ row }: { row: User }) {
  const { t } = useTranslation()
  if (row.kind === 'station' && row.disabled_at === null) return <State tone="ok">{t('users.station')}</State>
  if (row.disabled_at === null && !row.has_password && row.directory === '' && row.passkeys === 0) return <State tone="waiting">{t('users.no_password')}</State>
  return <State tone={row.disabled_at === null ? 'ok' : 'stopped'}>{t(row.disabled_at === null ? 'users.active' : 'users.disabled')}</State>
}

/** People and programs that may use this site. */
export function UsersPage() {
  const { t } = useTranslation()
  const [tab, setTab] = useState<'people' | 'tokens'>('people')
  const users = useUsers()
  const selection = useSelection(users.data?.items, rowId)
  const [adding, setAdding] = useState(false)
  const [making, setMaking] = useState(false)
  const [placing, setPlacing] = useState(false)
  const [importing, setImporting] = useState(false)
  const columns = useColumns()
  const shown = tab !== 'people' ? undefined : adding ? null : selection.open ? selection.row : undefined
  return (
    <Page
      title={t('page.users')}
      lead={t(tab === 'people' ? 'users.lead' : 'tokens.lead')}
      actions={
        <>
          {tab === 'people' && (
            <>
              <Button leftSection={<IconFileSpreadsheet size={14} />} onClick={() => setImporting(true)}>
                {t('people_import.title')}
              </Button>
              <Button leftSection={<IconDeviceTv size={14} />} onClick={() => setPlacing(true)}>
                {t('users.add_station')}
              </Button>
            </>
          )}
          <Button variant="filled" leftSection={<IconPlus size={14} />} onClick={() => (tab === 'people' ? setAdding(true) : setMaking(true))}>
            {t(tab === 'people' ? 'users.add' : 'tokens.add')}
          </Button>
        </>
      }
      toolbar={
        <SegmentedControl
          size="xs"
          aria-label={t('page.users')}
          value={tab}
          onChange={setTab}
          data={[
            { value: 'people', label: t('users.people') },
            { value: 'tokens', label: t('tokens.title') },
          ]}
        />
      }
      side={
        importing && tab === 'people' ? (
          <ImportPeople onClose={() => setImporting(false)} />
        ) : placing && tab === 'people' ? (
          <StationPane onClose={() => setPlacing(false)} />
        ) : shown !== undefined && (
          <UserPane
            key={shown?.id ?? 'new'}
            user={shown}
            onClose={() => {
              setAdding(false)
              selection.close()
            }}
          />
        )
      }
    >
      {tab === 'tokens' ? (
        <TokensTable making={making} onMade={() => setMaking(false)} />
      ) : (
        <ListTable
          name="users"
          label={t('page.users')}
          columns={columns}
          reading={users}
          rowId={rowId}
          card={(row) => (
            <span className={css['card']}>
              <span className={css['line']}>
                <strong>{row.display_name}</strong>
                <UserState row={row} />
              </span>
              <span className={css['quiet']}>{row.roles.map((role) => roleWord(t, role)).join(', ')}</span>
            </span>
          )}
          selected={selection.id}
          onSelect={selection.select}
          onOpen={(row) => {
            setAdding(false)
            selection.show(row.id)
          }}
          onSpace={(row) => selection.show(row.id)}
          empty={<Empty title={t('users.none')} />}
        />
      )}
    </Page>
  )
}
