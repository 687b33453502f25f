import { Button, PasswordInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Account, removePin, setPin, useAccountAct } from '@/api/account'
import { told } from '@/kit/act'
import form from '@/kit/form.module.css'
import { Section } from '@/kit/Page'
import { State } from '@/kit/State'
import css from './Account.module.css'

const LEAST = 6
const MOST = 12

export function PinSection({ account }: { account: Account }) {
  const { t } = useTranslation()
  const [pin, change] = useState('')
  const save = useAccountAct(setPin)
  const remove = useAccountAct<undefined, undefined>(removePin)
  return (
    <Section title={t('account.pin')}>
      <p className={css['lead']}>{t('account.pin_lead')}</p>
      {account.has_pin && (
        <div className={css['row']}>
          <span className={css['what']}>
            <State tone="ok">{t('account.pin_on')}</State>
          </span>
          <Button loading={remove.isPending} onClick={() => remove.mutate(undefined, told())}>
            {t('account.remove')}
          </Button>
        </div>
      )}
      <form
        className={css['line']}
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate(pin, { onSuccess: () => change('') })
        }}
      >
        <PasswordInput
          label={t(account.has_pin ? 'account.pin_new' : 'account.pin_set')}
          description={t('account.pin_rule')}
          inputMode="numeric"
          autoComplete="off"
          maxLength={MOST}
          value={pin}
          visibilityToggleButtonProps={{ 'aria-label': t('proof.show_pin') }}
          onChange={(event) => change(event.currentTarget.value.replaceAll(/\D/g, ''))}
        />
        <Button type="submit" loading={save.isPending} disabled={pin.length < LEAST}>
          {t('action.save')}
        </Button>
      </form>
      {save.isError && (
        <p className={form['trouble']} role="alert">
          {save.error.message}
        </p>
      )}
    </Section>
  )
}
