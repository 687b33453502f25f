import { Button, Checkbox, SegmentedControl, Switch, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay, useSession } from '@/api/access'
import { useAddUser, useSaveUser } from '@/api/lists'
import { ROLES, type User, type UserDraft } from '@/api/types'
import css from '@/kit/form.module.css'
import { SidePane } from '@/kit/Page'
import { UserPlace } from './UserPlace'
import { UserSignIn } from './UserSignIn'
import { UserTies } from './UserTies'
import own from './Users.module.css'

const TABS = ['who', 'place', 'ties', 'signin'] as const
type Tab = (typeof TABS)[number]

/** One person: who it is and what it may do, where, what it is to whom, and how it comes in; `null` makes a new one. */
export function UserPane({ user, onClose }: { user: User | null; onClose: () => void }) {
  const { t } = useTranslation()
  const { t: words } = useTranslation('access')
  const [tab, setTab] = useState<Tab>('who')
  if (user === null) return <NewUser onClose={onClose} />
  const tabs = user.kind === 'station' ? TABS.filter((one) => one !== 'ties') : TABS
  return (
    <SidePane
      title={<bdi>{user.display_name}</bdi>}
      onClose={onClose}
      {...(tab === 'who'
        ? {
            footer: (
              <Button type="submit" form="user" variant="filled">
                {t('action.save')}
              </Button>
            ),
          }
        : {})}
    >
      <SegmentedControl
        className={own['tabs']}
        fullWidth
        size="xs"
        aria-label={words('person.tabs')}
        value={tab}
        onChange={(value) => setTab(value)}
        data={tabs.map((value) => ({ value, label: words(`person.tab_${value}`) }))}
      />
      {tab === 'who' && <Who user={user} onSaved={onClose} />}
      {tab === 'place' && <UserPlace key={`${user.everywhere} ${user.site_ids.join()} ${user.department_ids.join()} ${user.clearances.join()}`} user={user} />}
      {tab === 'ties' && <UserTies user={user} />}
      {tab === 'signin' && <UserSignIn user={user} />}
    </SidePane>
  )
}

function Who({ user, onSaved }: { user: User; onSaved: () => void }) {
  const { t } = useTranslation()
  const me = useSession().user.id
  const save = useSaveUser()
  const [draft, setDraft] = useState<UserDraft>({ name: user.name, display_name: user.display_name, roles: user.roles })
  const [active, setActive] = useState(user.disabled_at === null)
  const submit = (): void => {
    if (draft.roles.length === 0) return
    const disabled = user.id === me ? {} : { disabled: !active }
    const roles = draft.roles.join() === user.roles.join() ? {} : { roles: draft.roles }
    save.mutate({ id: user.id, draft: { display_name: draft.display_name, ...roles, ...disabled } }, { onSuccess: onSaved })
  }
  return (
    <Fields draft={draft} onChange={(part) => setDraft({ ...draft, ...part })} fixed onSubmit={submit} error={save.error}>
      {user.id !== me && <Switch label={t('users.may_sign_in')} checked={active} onChange={(event) => setActive(event.currentTarget.checked)} />}
    </Fields>
  )
}

function NewUser({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const add = useAddUser()
  const [draft, setDraft] = useState<UserDraft>({ name: '', display_name: '', roles: ['viewer'] })
  const made = add.data !== undefined
  const ready = draft.name.trim() !== '' && draft.roles.length > 0 && !made
  return (
    <SidePane
      title={t('users.add')}
      onClose={onClose}
      footer={
        <Button type="submit" form="user" variant="filled" disabled={!ready} loading={add.isPending}>
          {t('action.save')}
        </Button>
      }
    >
      <Fields
        draft={draft}
        onChange={(part) => setDraft({ ...draft, ...part })}
        fixed={made}
        isNew
        onSubmit={() => {
          if (ready) add.mutate({ ...draft, display_name: draft.display_name.trim() || draft.name })
        }}
        error={add.error}
      />
      {add.data !== undefined && (
        <div role="status" className={css['gap']}>
          <p className={css['quiet']}>{t('users.link_hint')}</p>
          <code className={css['secret']}>{`${location.origin}/signin#link=${add.data.link}`}</code>
        </div>
      )}
    </SidePane>
  )
}

interface FieldsProps {
  draft: UserDraft
  onChange: (part: Partial<UserDraft>) => void
  /** The name cannot be changed. */
  fixed: boolean
  isNew?: boolean
  onSubmit: () => void
  error: Error | null
  children?: React.ReactNode
}

function Fields({ draft, onChange, fixed, isNew = false, onSubmit, error, children }: FieldsProps) {
  const { t } = useTranslation()
  // Only operators make operators.
  const mayOperate = useMay('tenant.manage')
  const [had] = useState(draft.roles)
  const offered = ROLES.filter((role) => role !== 'operator' || mayOperate || had.includes(role))
  return (
    <form
      id="user"
      className={css['form']}
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit()
      }}
    >
      <TextInput
        label={t('users.name')}
        description={t('users.name_hint')}
        required
        disabled={fixed}
        autoFocus={isNew}
        maxLength={64}
        autoComplete="off"
        value={draft.name}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      <TextInput label={t('users.display_name')} maxLength={128} autoComplete="off" value={draft.display_name} onChange={(event) => onChange({ display_name: event.currentTarget.value })} />
      {children}
      <fieldset className={css['group']}>
        <legend>{t('users.roles')}</legend>
        {offered.map((role) => (
          <Checkbox
            key={role}
            disabled={role === 'operator' && !mayOperate}
            label={t(`role.${role}`)}
            description={t(`role.${role}_text`)}
            checked={draft.roles.includes(role)}
            onChange={(event) => onChange({ roles: ROLES.filter((item) => (item === role ? event.currentTarget.checked : draft.roles.includes(item))) })}
          />
        ))}
      </fieldset>
      {error !== null && (
        <p className={css['trouble']} role="alert">
          {error.message}
        </p>
      )}
    </form>
  )
}
