import { Button, TextInput } from '@mantine/core'
import { IconFingerprint } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Account, addPasskey, type Passkey, removePasskey, useAccountAct } from '@/api/account'
import { ApiError } from '@/api/client'
import { passkeysWork, turnedAway } from '@/api/webauthn'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { Section } from '@/kit/Page'
import css from './Account.module.css'

export function PasskeysSection({ account }: { account: Account }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const add = useAccountAct(addPasskey)
  const possible = account.passkeys_possible && passkeysWork()
  const trouble = add.isError && !turnedAway(add.error) ? (add.error instanceof ApiError ? add.error.message : t('proof.device_failed')) : ''
  return (
    <Section title={t('account.passkeys')}>
      <p className={css['lead']}>{t('account.passkeys_lead')}</p>
      <ul className={css['rows']}>
        {account.passkeys.map((key) => (
          <PasskeyRow key={key.id} one={key} />
        ))}
      </ul>
      {possible ? (
        <form
          className={css['line']}
          onSubmit={(event) => {
            event.preventDefault()
            add.mutate(name.trim(), { onSuccess: () => setName('') })
          }}
        >
          <TextInput label={t('account.passkey_name')} placeholder={t('account.passkey_example')} maxLength={64} value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <Button type="submit" variant="filled" leftSection={<IconFingerprint size={14} />} loading={add.isPending} disabled={name.trim() === ''}>
            {t('account.passkey_add')}
          </Button>
        </form>
      ) : (
        <p className={css['lead']}>{t('account.passkeys_not_here')}</p>
      )}
      {trouble !== '' && (
        <p className={form['trouble']} role="alert">
          {trouble}
        </p>
      )}
    </Section>
  )
}

function PasskeyRow({ one }: { one: Passkey }) {
  const { t } = useTranslation()
  const format = useFormat()
  const remove = useAccountAct(removePasskey)
  return (
    <li className={css['row']}>
      <span className={css['what']}>
        <strong>
          <bdi>{one.name}</bdi>
        </strong>
        <small>
          {t(one.is_synced ? 'account.passkey_synced' : 'account.passkey_device')} · {t('account.since', { when: format.instant(one.created_at) })} ·{' '}
          {one.last_used_at === null ? t('account.never_used') : t('account.used', { when: format.relative(one.last_used_at) })}
        </small>
      </span>
      <Confirm question={t('account.passkey_remove_sure')} confirm={t('account.remove')} busy={remove.isPending} onConfirm={() => remove.mutate(one.id, told())}>
        {t('account.remove')}
      </Confirm>
    </li>
  )
}
