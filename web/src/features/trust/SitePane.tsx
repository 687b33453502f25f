import { ActionIcon, Button, MultiSelect, Select, TextInput } from '@mantine/core'
import { IconArchive, IconArchiveOff, IconPencil } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import {
  type Department,
  type PlacedDevice,
  type Site,
  useAddDepartment,
  useAddSite,
  usePlaceDevice,
  useSaveDepartment,
  useSaveSite,
} from '@/api/trust'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { Facts, Section, SidePane } from '@/kit/Page'
import { State } from '@/kit/State'
import { Tip } from '@/kit/Tip'
import css from './Trust.module.css'

const ZONES = Intl.supportedValuesOf('timeZone')

export function NewSitePane({ onClose }: { onClose: (id?: number) => void }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const add = useAddSite()
  const [name, setName] = useState('')
  const [timezone, setTimezone] = useState('')
  return (
    <SidePane
      title={t('site.add')}
      onClose={() => onClose()}
      footer={
        <Button type="submit" form="site" variant="filled" disabled={name.trim() === ''} loading={add.isPending}>
          {app('action.save')}
        </Button>
      }
    >
      <form
        id="site"
        className={form['form']}
        onSubmit={(event) => {
          event.preventDefault()
          if (name.trim() !== '') add.mutate({ name: name.trim(), timezone }, { onSuccess: (made) => onClose(made.id) })
        }}
      >
        <NameAndZone name={name} timezone={timezone} onName={setName} onTimezone={setTimezone} />
        <Trouble error={add.error} />
      </form>
    </SidePane>
  )
}

interface NameAndZoneProps {
  name: string
  timezone: string
  onName: (value: string) => void
  onTimezone: (value: string) => void
}

function NameAndZone({ name, timezone, onName, onTimezone }: NameAndZoneProps) {
  const { t } = useTranslation('access')
  return (
    <>
      <TextInput label={t('site.name')} required autoFocus maxLength={64} autoComplete="off" value={name} onChange={(event) => onName(event.currentTarget.value)} />
      <Select label={t('site.timezone')} data={ZONES} searchable clearable limit={40} value={timezone === '' ? null : timezone} onChange={(value) => onTimezone(value ?? '')} />
    </>
  )
}

function Trouble({ error }: { error: Error | null }) {
  if (error === null) return null
  return (
    <p className={form['trouble']} role="alert">
      {error.message}
    </p>
  )
}

/** One site: what it is called, its departments, and the devices that bring studies to it. */
export function SitePane({ site, sites, devices, onClose }: { site: Site; sites: Site[]; devices: PlacedDevice[]; onClose: () => void }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const format = useFormat()
  const save = useSaveSite()
  const [name, setName] = useState(site.name)
  const [timezone, setTimezone] = useState(site.timezone)
  const here = devices.filter((device) => device.site_id === site.id || (device.site_id === null && site.is_first))
  return (
    <SidePane
      title={<bdi>{site.name}</bdi>}
      onClose={onClose}
      footer={
        <>
          <Button type="submit" form="site" variant="filled" disabled={name.trim() === '' || (name === site.name && timezone === site.timezone)} loading={save.isPending}>
            {app('action.save')}
          </Button>
          {site.closed_at !== null && <Button onClick={() => save.mutate({ id: site.id, closed: false }, told())}>{t('site.reopen')}</Button>}
          {site.closed_at === null && !site.is_first && (
            <Confirm question={t('site.close_question')} confirm={t('site.close_site')} onConfirm={() => save.mutate({ id: site.id, closed: true }, told(t('site.close_done')))}>
              {t('site.close_site')}
            </Confirm>
          )}
        </>
      }
    >
      <div className={css['apart']}>
        <Facts
          items={[
            [t('site.studies'), format.count(site.studies)],
            [t('site.people'), format.count(site.people)],
          ]}
        />
        {site.is_first && <p className={form['quiet']}>{t('site.first_hint')}</p>}
      </div>
      <form
        id="site"
        className={`${form['form'] ?? ''} ${css['apart'] ?? ''}`}
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate({ id: site.id, name: name.trim(), timezone }, told(t('done.saved')))
        }}
      >
        <NameAndZone name={name} timezone={timezone} onName={setName} onTimezone={setTimezone} />
        <Trouble error={save.error} />
      </form>
      <Departments site={site} />
      <Section title={t('site.devices')}>
        <ul className={css['lines']}>
          {here.map((device) => (
            <Placed key={device.id} device={device} sites={sites} />
          ))}
        </ul>
        {here.length === 0 && <p className={form['quiet']}>{t('site.no_devices')}</p>}
        <PlaceAnother site={site} others={devices.filter((device) => !here.includes(device))} />
      </Section>
    </SidePane>
  )
}

function Departments({ site }: { site: Site }) {
  const { t } = useTranslation('access')
  const add = useAddDepartment()
  const [name, setName] = useState('')
  return (
    <Section title={t('site.departments')}>
      <ul className={css['lines']}>
        {site.departments.map((one) => (
          <DepartmentLine key={one.id} department={one} />
        ))}
      </ul>
      <form
        className={css['adder']}
        onSubmit={(event) => {
          event.preventDefault()
          const says = told()
          if (name.trim() !== '') add.mutate({ site: site.id, name: name.trim() }, { onError: says.onError, onSuccess: () => setName('') })
        }}
      >
        <TextInput aria-label={t('site.new_department')} placeholder={t('site.new_department')} maxLength={64} autoComplete="off" value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <Button type="submit" disabled={name.trim() === ''} loading={add.isPending}>
          {t('site.add_department')}
        </Button>
      </form>
    </Section>
  )
}

function DepartmentLine({ department }: { department: Department }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const save = useSaveDepartment()
  const [name, setName] = useState<string | null>(null)
  const closed = department.closed_at !== null
  if (name !== null) {
    return (
      <li>
        <form
          className={css['adder']}
          onSubmit={(event) => {
            event.preventDefault()
            const says = told()
            save.mutate({ id: department.id, name: name.trim() }, { onError: says.onError, onSuccess: () => setName(null) })
          }}
        >
          <TextInput aria-label={t('site.name')} autoFocus maxLength={64} value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <Button type="submit" variant="filled" disabled={name.trim() === ''}>
            {app('action.save')}
          </Button>
          <Button onClick={() => setName(null)}>{app('action.cancel')}</Button>
        </form>
      </li>
    )
  }
  return (
    <li className={css['row']}>
      <span className={css['what']}>
        <bdi>{department.name}</bdi>
        <small>{t('site.department_counts', { studies: department.studies, people: department.people })}</small>
      </span>
      {closed && <State tone="stopped">{t('site.closed')}</State>}
      <Tip label={t('site.rename')}>
        <ActionIcon aria-label={t('site.rename_one', { name: department.name })} onClick={() => setName(department.name)}>
          <IconPencil size={14} />
        </ActionIcon>
      </Tip>
      <Tip label={t(closed ? 'site.reopen' : 'site.close')}>
        <ActionIcon aria-label={t(closed ? 'site.reopen_one' : 'site.close_one', { name: department.name })} onClick={() => save.mutate({ id: department.id, closed: !closed }, told())}>
          {closed ? <IconArchiveOff size={14} /> : <IconArchive size={14} />}
        </ActionIcon>
      </Tip>
    </li>
  )
}

/** A device at its place: the department that gets its studies, and whose studies it may ask for. */
function Placed({ device, sites }: { device: PlacedDevice; sites: Site[] }) {
  const { t } = useTranslation('access')
  const place = usePlaceDevice()
  const site = sites.find((one) => one.id === device.site_id) ?? sites.find((one) => one.is_first)
  const departments = site?.departments.filter((one) => one.closed_at === null || one.id === device.department_id) ?? []
  const change = (part: Partial<PlacedDevice>): void => {
    const { id, site_id, department_id, site_ids } = { ...device, ...part }
    place.mutate({ id, site_id: department_id === null ? site_id : (site_id ?? site?.id ?? null), department_id, site_ids }, told())
  }
  return (
    <li className={css['block']}>
      <strong>
        <bdi>{device.aet}</bdi>
      </strong>
      {device.description !== '' && <span className={form['quiet']}> {device.description}</span>}
      <div className={css['two']}>
        <Select
          size="xs"
          label={t('site.brings_to')}
          placeholder={t('site.no_department')}
          clearable
          data={departments.map((one) => ({ value: String(one.id), label: one.name }))}
          value={device.department_id === null ? null : String(device.department_id)}
          onChange={(value) => change({ department_id: value === null ? null : Number(value) })}
        />
        <MultiSelect
          size="xs"
          label={t('site.may_ask')}
          placeholder={device.site_ids.length === 0 ? t('site.every') : ''}
          data={sites.map((one) => ({ value: String(one.id), label: one.name }))}
          value={device.site_ids.map(String)}
          onChange={(values) => change({ site_ids: values.map(Number) })}
        />
      </div>
    </li>
  )
}

function PlaceAnother({ site, others }: { site: Site; others: PlacedDevice[] }) {
  const { t } = useTranslation('access')
  const place = usePlaceDevice()
  if (others.length === 0 || site.closed_at !== null) return null
  return (
    <Select
      size="xs"
      mt="xs"
      label={t('site.place_here')}
      placeholder={t('site.pick_device')}
      searchable
      value={null}
      data={others.map((one) => ({ value: one.id, label: one.aet }))}
      onChange={(value) => {
        const device = others.find((one) => one.id === value)
        if (device !== undefined) place.mutate({ id: device.id, site_id: site.id, department_id: null, site_ids: device.site_ids }, told(t('site.placed', { device: device.aet, site: site.name })))
      }}
    />
  )
}
