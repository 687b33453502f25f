import { Button, Checkbox, MultiSelect, Switch } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { RESTRICTIONS, usePlaceUser, useSites } from '@/api/trust'
import { type User } from '@/api/types'
import { told } from '@/kit/act'
import css from '@/kit/form.module.css'

/** Where a person works, and which restricted patients are not withheld from it. */
export function UserPlace({ user }: { user: User }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const sites = useSites().data?.items ?? []
  const place = usePlaceUser()
  const [everywhere, setEverywhere] = useState(user.everywhere)
  const [siteIds, setSiteIds] = useState(user.site_ids.map(String))
  const [departmentIds, setDepartmentIds] = useState(user.department_ids.map(String))
  const [clearances, setClearances] = useState(user.clearances)
  const departments = sites
    .filter((site) => everywhere || siteIds.includes(String(site.id)))
    .map((site) => ({ group: site.name, items: site.departments.map((one) => ({ value: String(one.id), label: one.name })) }))
    .filter((group) => group.items.length > 0)
  const known = new Set(departments.flatMap((group) => group.items.map((one) => one.value)))
  const chosen = departmentIds.filter((one) => known.has(one))
  return (
    <form
      className={css['form']}
      onSubmit={(event) => {
        event.preventDefault()
        const body = { everywhere, site_ids: siteIds.map(Number), department_ids: chosen.map(Number), clearances }
        place.mutate({ id: user.id, ...body }, told(t('done.saved')))
      }}
    >
      <Switch label={t('person.everywhere')} description={t('person.everywhere_hint')} checked={everywhere} onChange={(event) => setEverywhere(event.currentTarget.checked)} />
      <MultiSelect
        label={t('person.sites')}
        data={sites.map((site) => ({ value: String(site.id), label: site.name }))}
        value={siteIds}
        onChange={setSiteIds}
      />
      <MultiSelect
        label={t('person.departments')}
        description={t('person.departments_hint')}
        data={departments}
        value={chosen}
        onChange={setDepartmentIds}
        disabled={departments.length === 0}
      />
      <fieldset className={css['group']}>
        <legend>{t('person.clearances')}</legend>
        <p className={css['quiet']}>{t('person.clearances_hint')}</p>
        {RESTRICTIONS.map((one) => (
          <Checkbox
            key={one}
            label={t(`value.${one}`)}
            checked={clearances.includes(one)}
            onChange={(event) => setClearances(RESTRICTIONS.filter((item) => (item === one ? event.currentTarget.checked : clearances.includes(item))))}
          />
        ))}
      </fieldset>
      <div>
        <Button type="submit" variant="filled" loading={place.isPending}>
          {app('action.save')}
        </Button>
      </div>
    </form>
  )
}
