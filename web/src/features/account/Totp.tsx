import { Button, PinInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Account, beginTotp, confirmTotp, makeRecoveryCodes, removeTotp, type TotpStep, useAccountAct } from '@/api/account'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { Section } from '@/kit/Page'
import { State } from '@/kit/State'
import css from './Account.module.css'

const DIGITS = 6
const QUIET = 4

export function TotpSection({ account }: { account: Account }) {
  const { t } = useTranslation()
  const format = useFormat()
  const [step, setStep] = useState<TotpStep | null>(null)
  const [codes, setCodes] = useState<string[] | null>(null)
  const begin = useAccountAct<undefined, TotpStep>(beginTotp)
  const remove = useAccountAct<undefined, undefined>(removeTotp)
  const renew = useAccountAct<undefined, { recovery_codes: string[] }>(makeRecoveryCodes)
  const has = account.totp_since !== null
  return (
    <Section title={t('account.totp')}>
      <p className={css['lead']}>{t('account.totp_lead')}</p>
      {codes !== null && <Codes codes={codes} onKept={() => setCodes(null)} />}
      {codes === null && step !== null && (
        <Confirming
          step={step}
          onDone={(made) => {
            setStep(null)
            setCodes(made)
          }}
          onCancel={() => setStep(null)}
        />
      )}
      {codes === null && step === null && (
        <>
          {has && (
            <div className={css['row']}>
              <span className={css['what']}>
                <State tone="ok">{t('account.totp_on')}</State>
                <small>
                  {t('account.since', { when: format.instant(account.totp_since ?? '') })} · {t('account.recovery_left', { count: account.recovery_left })}
                </small>
              </span>
              <Button loading={renew.isPending} onClick={() => renew.mutate(undefined, { onSuccess: (made) => setCodes(made.recovery_codes), onError: told().onError })}>
                {t('account.recovery_renew')}
              </Button>
              <Confirm question={t('account.totp_remove_sure')} confirm={t('account.remove')} busy={remove.isPending} onConfirm={() => remove.mutate(undefined, told())}>
                {t('account.remove')}
              </Confirm>
            </div>
          )}
          {!has && (
            <Button loading={begin.isPending} onClick={() => begin.mutate(undefined, { onSuccess: setStep, onError: told().onError })}>
              {t('account.totp_add')}
            </Button>
          )}
        </>
      )}
    </Section>
  )
}

/** The rows of a QR code as one path, with the quiet zone that cameras need. */
function Qr({ rows }: { rows: readonly string[] }) {
  const { t } = useTranslation()
  const side = rows.length + 2 * QUIET
  const path = rows.flatMap((row, y) => Array.from(row, (dot, x) => (dot === '1' ? `M${String(x + QUIET)} ${String(y + QUIET)}h1v1h-1z` : ''))).join('')
  return (
    <svg className={css['qr']} viewBox={`0 0 ${String(side)} ${String(side)}`} role="img" aria-label={t('account.qr')} shapeRendering="crispEdges">
      <path d={path} fill="#000" />
    </svg>
  )
}

function Confirming({ step, onDone, onCancel }: { step: TotpStep; onDone: (codes: string[]) => void; onCancel: () => void }) {
  const { t } = useTranslation()
  const [code, setCode] = useState('')
  const confirm = useAccountAct(confirmTotp)
  const send = (value: string): void => {
    setCode(value)
    if (value.length === DIGITS) {
      confirm.mutate({ step: step.step, code: value }, { onSuccess: (made) => onDone(made.recovery_codes), onError: () => setCode('') })
    }
  }
  return (
    <div className={css['code']}>
      <Qr rows={step.qr} />
      <div className={css['steps']}>
        <p>{t('account.totp_scan')}</p>
        <code className={form['secret']}>{step.secret}</code>
        <p>{t('account.totp_enter')}</p>
        <PinInput length={DIGITS} type="number" oneTimeCode autoFocus value={code} onChange={send} aria-label={t('proof.totp')} />
        {confirm.isError && (
          <p className={form['trouble']} role="alert">
            {confirm.error.message}
          </p>
        )}
        <div>
          <Button onClick={onCancel}>{t('action.cancel')}</Button>
        </div>
      </div>
    </div>
  )
}

function Codes({ codes, onKept }: { codes: readonly string[]; onKept: () => void }) {
  const { t } = useTranslation()
  return (
    <div role="status">
      <p className={css['lead']}>{t('account.codes_once')}</p>
      <ul className={css['codes']} dir="ltr">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <Button variant="filled" onClick={onKept}>
        {t('tokens.kept')}
      </Button>
    </div>
  )
}
