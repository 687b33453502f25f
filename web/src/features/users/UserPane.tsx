import { Button, Checkbox, Switch, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { IconLink } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/api/access'
import { endSessionsOf, resetFactors } from '@/api/account'
import { makeUserLink, useAddUser, useSaveUser } from '@/api/lists'
import { ROLES, type User, type UserDraft } from '@/api/types'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import css from '@/kit/form.module.css'
import { SidePane } from '@/kit/Page'

/** One person: name, roles, and a link to sign in with; `null` makes a new one. */
export function UserPane({ user, onClose }: { user: User | null; onClose: () => void }) {
  const { t } = useTranslation()
  const me = useSession().user.id
  const save = useSaveUser()
  const add = useAddUser()
  const link = useMutation({ mutationFn: makeUserLink })
  const reset = useMutation({ mutationFn: resetFactors })
  const end = useMutation({ mutationFn: endSessionsOf })
  const [draft, setDraft] = useState<UserDraft>(
    user === null ? { name: '', display_name: '', roles: ['viewer'] } : { name: user.name, display_name: user.display_name, roles: user.roles },
  )
  const [active, setActive] = useState(user?.disabled_at === null)
  const change = (part: Partial<UserDraft>): void => setDraft({ ...draft, ...part })
  const ready = draft.name.trim() !== '' && draft.roles.length > 0
  const code = reset.data?.link ?? link.data?.link ?? add.data?.link
  const made = add.data !== undefined
  const submit = (): void => {
    if (!ready || made) return
    if (user === null) add.mutate({ ...draft, display_name: draft.display_name.trim() || draft.name })
    else {
      const disabled = user.id === me ? {} : { disabled: !active }
      save.mutate({ id: user.id, draft: { display_name: draft.display_name, roles: draft.roles, ...disabled } }, { onSuccess: onClose })
    }
  }
  return (
    <SidePane
      title={user === null ? t('users.add') : <bdi>{user.display_name}</bdi>}
      onClose={onClose}
      footer={
        <>
          <Button type="submit" form="user" variant="filled" disabled={!ready || made} loading={save.isPending || add.isPending}>
            {t('action.save')}
          </Button>
          {user !== null && (
            <Button leftSection={<IconLink size={14} />} loading={link.isPending} onClick={() => link.mutate(user.id)}>
              {t('users.make_link')}
            </Button>
          )}
        </>
      }
    >
      <form
        id="user"
        className={css['form']}
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <TextInput
          label={t('users.name')}
          description={t('users.name_hint')}
          required
          disabled={user !== null || made}
          autoFocus={user === null}
          maxLength={64}
          autoComplete="off"
          value={draft.name}
          onChange={(event) => change({ name: event.currentTarget.value })}
        />
        <TextInput label={t('users.display_name')} maxLength={128} autoComplete="off" value={draft.display_name} onChange={(event) => change({ display_name: event.currentTarget.value })} />
        <fieldset className={css['group']}>
          <legend>{t('users.roles')}</legend>
          {ROLES.map((role) => (
            <Checkbox
              key={role}
              label={t(`role.${role}`)}
              description={t(`role.${role}_text`)}
              checked={draft.roles.includes(role)}
              onChange={(event) =>
                change({ roles: ROLES.filter((item) => (item === role ? event.currentTarget.checked : draft.roles.includes(item))) })
              }
            />
          ))}
        </fieldset>
        {user !== null && user.id !== me && (
          <Switch label={t('users.may_sign_in')} checked={active} onChange={(event) => setActive(event.currentTarget.checked)} />
        )}
        {(save.isError || add.isError || link.isError) && (
          <p className={css['trouble']} role="alert">
            {(save.error ?? add.error ?? link.error)?.message}
          </p>
        )}
      </form>
      <div className={`${css['form'] ?? ''} ${css['gap'] ?? ''}`}>
        {user !== null && user.kind === 'person' && user.id !== me && (
          <div className={css['buttons']}>
            <Confirm question={t('users.reset_sure')} confirm={t('users.reset')} busy={reset.isPending} onConfirm={() => reset.mutate(user.id, told(t('users.reset_done')))}>
              {t('users.reset')}
            </Confirm>
          </div>
        )}
        {user !== null && user.sessions > 0 && user.id !== me && (
          <div className={css['buttons']}>
            <Button loading={end.isPending} onClick={() => end.mutate(user.id, told(t('account.ended')))}>
              {t('users.end_sessions', { count: user.sessions })}
            </Button>
          </div>
        )}
        {code !== undefined && (
          <div role="status">
            <p className={css['quiet']}>{t('users.link_hint')}</p>
            <code className={css['secret']}>{`${location.origin}/signin#link=${code}`}</code>
          </div>
        )}
      </div>
    </SidePane>
  )
}
