import { Button, TagsInput, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Organisation, type OrganisationDraft, useAddOrganisation, useCloseOrganisation, useOpenOrganisation, useSaveOrganisation } from '@/api/house'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { Facts, SidePane } from '@/kit/Page'

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/
const TITLE = /^(?! *$)[\x20-\x5b\x5d-\x7e]{1,16}$/
const HOST = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i

const same = (one: readonly string[], other: readonly string[]): boolean => one.join('\n') === other.join('\n')

/** A further organisation; its first administrator comes by a link that is shown once. */
export function NewOrganisationPane({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const add = useAddOrganisation()
  const [draft, setDraft] = useState<OrganisationDraft>({ name: '', display_name: '', titles: [], hosts: [] })
  const made = add.data
  return (
    <SidePane
      title={t('organisation.add')}
      onClose={onClose}
      footer={
        made === undefined ? (
          <Button type="submit" form="organisation" variant="filled" disabled={!isReady(draft)} loading={add.isPending}>
            {app('action.save')}
          </Button>
        ) : (
          <Button variant="filled" onClick={onClose}>
            {t('organisation.kept')}
          </Button>
        )
      }
    >
      {made === undefined ? (
        <Fields draft={draft} onChange={(part) => setDraft({ ...draft, ...part })} error={add.error} isNew onSubmit={() => isReady(draft) && add.mutate(draft)} />
      ) : (
        <div role="status">
          <p>{t('organisation.made', { name: made.display_name })}</p>
          <p className={css['quiet']}>{t('organisation.link_hint', { name: `admin@${made.name}` })}</p>
          <code className={css['secret']}>{`${location.origin}/signin#link=${made.link}`}</code>
        </div>
      )}
    </SidePane>
  )
}

/** One organisation: what it is called, and by what it is found. */
export function OrganisationPane({ organisation, onClose }: { organisation: Organisation; onClose: () => void }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const format = useFormat()
  const save = useSaveOrganisation()
  const close = useCloseOrganisation()
  const open = useOpenOrganisation()
  const { name, display_name, titles, hosts } = organisation
  const [draft, setDraft] = useState<OrganisationDraft>({ name, display_name, titles, hosts })
  const changed = draft.name !== name || draft.display_name !== display_name || !same(draft.titles, titles) || !same(draft.hosts, hosts)
  return (
    <SidePane
      title={<bdi>{display_name || name}</bdi>}
      onClose={onClose}
      footer={
        <>
          <Button type="submit" form="organisation" variant="filled" disabled={!changed || !isReady(draft)} loading={save.isPending}>
            {app('action.save')}
          </Button>
          {organisation.closed_at !== null && (
            <Button loading={open.isPending} onClick={() => open.mutate(organisation.id, told(t('organisation.opened')))}>
              {t('organisation.open_again')}
            </Button>
          )}
          {organisation.closed_at === null && !organisation.is_house && (
            <Confirm
              question={t('organisation.close_question')}
              confirm={t('organisation.close')}
              busy={close.isPending}
              onConfirm={() => close.mutate(organisation.id, told(t('organisation.closed_done')))}
            >
              {t('organisation.close')}
            </Confirm>
          )}
        </>
      }
    >
      <Facts
        items={[
          [t('organisation.since'), format.instant(organisation.created_at)],
          [t('organisation.closed_at'), format.instant(organisation.closed_at)],
        ]}
      />
      {organisation.is_house && <p className={css['quiet']}>{t('organisation.house_hint')}</p>}
      <div className={css['gap']}>
        <Fields
          draft={draft}
          onChange={(part) => setDraft({ ...draft, ...part })}
          error={save.error}
          onSubmit={() => changed && isReady(draft) && save.mutate({ id: organisation.id, draft }, told(t('done.saved')))}
        />
      </div>
    </SidePane>
  )
}

const isReady = (draft: OrganisationDraft): boolean => NAME.test(draft.name) && draft.titles.every((one) => TITLE.test(one)) && draft.hosts.every((one) => HOST.test(one))

interface FieldsProps {
  draft: OrganisationDraft
  onChange: (part: Partial<OrganisationDraft>) => void
  error: Error | null
  isNew?: boolean
  onSubmit: () => void
}

function Fields({ draft, onChange, error, isNew = false, onSubmit }: FieldsProps) {
  const { t } = useTranslation('access')
  return (
    <form
      id="organisation"
      className={css['form']}
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit()
      }}
    >
      <TextInput
        label={t('organisation.name')}
        description={t('organisation.name_hint')}
        required
        autoFocus={isNew}
        maxLength={32}
        autoComplete="off"
        spellCheck={false}
        value={draft.name}
        error={draft.name === '' || NAME.test(draft.name) ? undefined : t('organisation.name_wrong')}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <TextInput label={t('organisation.display_name')} maxLength={100} autoComplete="off" value={draft.display_name} onChange={(event) => onChange({ display_name: event.currentTarget.value })} />
      <TagsInput
        label={t('organisation.titles')}
        description={t('organisation.titles_hint')}
        placeholder={draft.titles.length === 0 ? t('organisation.then_enter') : ''}
        value={draft.titles}
        error={draft.titles.every((one) => TITLE.test(one)) ? undefined : t('organisation.title_wrong')}
        onChange={(titles) => onChange({ titles })}
      />
      <TagsInput
        label={t('organisation.hosts')}
        description={t('organisation.hosts_hint')}
        placeholder={draft.hosts.length === 0 ? t('organisation.then_enter') : ''}
        value={draft.hosts}
        error={draft.hosts.every((one) => HOST.test(one)) ? undefined : t('organisation.host_wrong')}
        onChange={(hosts) => onChange({ hosts })}
      />
      {error !== null && (
        <p className={css['trouble']} role="alert">
          {error.message}
        </p>
      )}
    </form>
  )
}
