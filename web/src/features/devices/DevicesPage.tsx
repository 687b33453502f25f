import { Button, SegmentedControl } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSearchParams } from 'react-router'
import { useMay } from '@/api/access'
import { useDevices, useSettings, useWantsInPages } from '@/api/lists'
import { type Device } from '@/api/types'
import { type Certificate } from '@/api/watch'
import { Empty } from '@/kit/Empty'
import { formatInstant } from '@/kit/format/instant'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { Page } from '@/kit/Page'
import { State } from '@/kit/State'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import { TableSettings } from '@/kit/table/TableSettings'
import { useSelection } from '@/kit/useSelection'
import { CertificatePane, CertificatesTab } from './CertificatesTab'
import { DevicePane } from './DevicePane'
import { WantsInList } from './WantsInList'

const rowId = (row: Device): string => row.id

function DeviceState({ row }: { row: Device }) {
  const { t } = useTranslation()
  if (row.problems.length > 0) return <State tone="warning">{t('device.problems', { count: row.problems.length })}</State>
  if (row.certified_until !== null) return <State tone="ok">{t('device.certified')}</State>
  if (row.pinned) return <State tone="ok">{t('device.pinned')}</State>
  return <State tone="idle">{t('device.not_pinned')}</State>
}

function useColumns(): Column<Device>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return useMemo(
    (): Column<Device>[] => [
      { id: 'aet', title: t('device.aet'), width: 150, fixed: true, sortValue: (row) => row.aet, cell: (row) => <strong>{row.aet}</strong> },
      { id: 'description', title: t('device.description'), width: 200, grow: 1, sortValue: (row) => row.description, cell: (row) => <bdi>{row.description}</bdi> },
      { id: 'address', title: t('device.address'), width: 170, sortValue: (row) => row.host, cell: (row) => (row.port === null ? row.host : `${row.host}:${row.port}`) },
      { id: 'allow', title: t('device.allow'), width: 200, cell: (row) => row.allow.map((service) => t(`service.${service}`)).join(', ') },
      { id: 'issuer', title: t('device.issuer'), width: 110, hidden: true, cell: (row) => row.default_issuer || '–' },
      { id: 'stored', title: t('device.stored'), width: 100, align: 'end', sortValue: (row) => row.stored_count, cell: (row) => format.count(row.stored_count) },
      {
        id: 'seen',
        title: t('device.last_seen'),
        width: 120,
        sortValue: (row) => row.last_seen_at ?? '',
        cell: (row) => <span title={formatInstant(row.last_seen_at)}>{row.last_seen_at === null ? t('device.never') : format.relative(row.last_seen_at)}</span>,
      },
      { id: 'state', title: t('column.state'), width: 150, cell: (row) => <DeviceState row={row} /> },
    ],
    [t, format],
  )
}

/** Who may speak with us by DICOM, and who would like to. */
export function DevicesPage() {
  const { t } = useTranslation()
  const devices = useDevices()
  const wants = useWantsInPages()
  const mayManage = useMay('device.manage')
  const [search, setSearch] = useSearchParams()
  const [adding, setAdding] = useState(search.get('add') === '1')
  const selection = useSelection(devices.data?.items, rowId)
  const columns = useColumns()
  const close = (): void => {
    setAdding(false)
    selection.close()
    setSearch({}, { replace: true })
  }
  const tab = search.get('tab') === 'certificates' ? 'certificates' : 'devices'
  const [paper, setPaper] = useState<Certificate | null>(null)
  const asked = devices.data?.items.find((row) => row.id === search.get('open'))
  const shown = adding ? null : selection.open ? selection.row : asked
  return (
    <Page
      title={t('page.devices')}
      lead={t('device.lead')}
      actions={
        <>
          {mayManage && tab === 'devices' && (
            <Button variant="filled" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>
              {t('device.add')}
            </Button>
          )}
          {tab === 'devices' && <TableSettings name="devices" columns={columns} />}
        </>
      }
      toolbar={
        <SegmentedControl
          size="xs"
          aria-label={t('page.devices')}
          value={tab}
          onChange={(next) => {
            close()
            setPaper(null)
            setSearch(next === 'devices' ? {} : { tab: next }, { replace: true })
          }}
          data={[
            { value: 'devices', label: t('page.devices') },
            { value: 'certificates', label: t('certificate.title') },
          ]}
        />
      }
      side={
        tab === 'devices'
          ? shown !== undefined && <DevicePane key={shown?.id ?? 'new'} device={shown} onClose={close} />
          : paper !== null && <CertificatePane key={paper.fingerprint} row={paper} onClose={() => setPaper(null)} />
      }
    >
      {tab === 'certificates' ? (
        <CertificatesTab selected={paper?.fingerprint ?? null} onSelect={setPaper} />
      ) : (
        <>
      <WantsInList reading={wants} mayManage={mayManage} />
      <ListTable
        name="devices"
        label={t('page.devices')}
        columns={columns}
        reading={devices}
        rowId={rowId}
        card={(row) => (
          <span className={css['card']}>
            <span className={css['line']}>
              <strong>{row.aet}</strong>
              <DeviceState row={row} />
            </span>
            <span className={css['line']}>
              <bdi className={css['clip']}>{row.description || row.host}</bdi>
              <span className={css['quiet']}>{row.host}</span>
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
        empty={<NoDevices onAdd={mayManage ? () => setAdding(true) : undefined} />}
      />
        </>
      )}
    </Page>
  )
}

function NoDevices({ onAdd }: { onAdd: (() => void) | undefined }) {
  const { t } = useTranslation()
  const settings = useSettings(useMay('settings.read')).data?.items ?? []
  const value = (name: string): string => {
    const found = settings.find((setting) => setting.name === name)?.value
    return typeof found === 'string' ? found : ''
  }
  const port = /:(\d+)$/.exec(value('dicom'))?.[1] ?? '11112'
  return (
    <Empty
      title={t('device.none')}
      actions={
        onAdd !== undefined && (
          <Button variant="filled" onClick={onAdd}>
            {t('device.add')}
          </Button>
        )
      }
    >
      {t('device.none_hint', { aet: value('aet') || 'HELIOGRAPH', host: location.hostname, port })}
    </Empty>
  )
}
