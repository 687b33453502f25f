import { Button, PasswordInput, PinInput, SegmentedControl, TextInput } from '@mantine/core'
import { IconFingerprint } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/client'
import { type Proof, type Way } from '@/api/session'
import { passkeysWork, turnedAway } from '@/api/webauthn'
import css from './Signin.module.css'

interface ProofFormProps {
  ways: readonly Way[]
  submit: string
  /** Where a passkey is among the ways: the device's answer. */
  sign?: (() => Promise<Proof>) | undefined
  onProof: (proof: Proof) => Promise<void>
}

const DIGITS = 6

/** Asks for one of several proofs: a device, a PIN, a code, a password. */
export function ProofForm({ ways, submit, sign, onProof }: ProofFormProps) {
  const { t } = useTranslation()
  const typed = ways.filter((way) => way !== 'passkey')
  const [way, setWay] = useState<Way>(typed[0] ?? 'passkey')
  const [value, setValue] = useState('')
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState('')
  const keyed = sign !== undefined && ways.includes('passkey') && passkeysWork()
  const turn = (next: Way): void => {
    setWay(next)
    setValue('')
    setTrouble('')
  }
  const send = async (make: () => Promise<Proof>): Promise<void> => {
    setBusy(true)
    setTrouble('')
    try {
      await onProof(await make())
    } catch (error) {
      if (!turnedAway(error)) setTrouble(error instanceof ApiError ? error.message : t('proof.device_failed'))
      setValue('')
    }
    setBusy(false)
  }
  const enter = (): void => {
    if (value !== '') void send(() => Promise.resolve({ way, value }))
  }
  const change = (next: string): void => {
    setValue(next)
    if (way === 'totp' && next.length === DIGITS && !busy) void send(() => Promise.resolve({ way, value: next }))
  }
  const field = { size: 'sm', autoFocus: true, value, key: way } as const
  return (
    <form
      className={css['form']}
      onSubmit={(event) => {
        event.preventDefault()
        enter()
      }}
    >
      {keyed && (
        <Button size="sm" variant={typed.length === 0 ? 'filled' : 'default'} leftSection={<IconFingerprint size={16} />} loading={busy} autoFocus={typed.length === 0} onClick={() => void send(sign)}>
          {t('proof.use_passkey')}
        </Button>
      )}
      {typed.length > 1 && (
        <SegmentedControl size="xs" aria-label={t('proof.way')} value={way} onChange={turn} data={typed.map((one) => ({ value: one, label: t(`proof.${one}`) }))} />
      )}
      {way === 'password' && (
        <PasswordInput {...field} label={t('proof.password')} autoComplete="current-password" visibilityToggleButtonProps={{ 'aria-label': t('signin.show_password') }} onChange={(event) => setValue(event.currentTarget.value)} />
      )}
      {way === 'pin' && <PasswordInput {...field} label={t('proof.pin')} inputMode="numeric" autoComplete="off" maxLength={12} onChange={(event) => setValue(event.currentTarget.value)} visibilityToggleButtonProps={{ 'aria-label': t('proof.show_pin') }} />}
      {way === 'recovery' && <TextInput {...field} label={t('proof.recovery')} description={t('proof.recovery_hint')} autoComplete="off" maxLength={20} onChange={(event) => setValue(event.currentTarget.value)} />}
      {way === 'totp' && (
        <div role="group" aria-label={t('proof.totp')}>
          <p className={css['label']}>{t('proof.totp_label')}</p>
          <PinInput key={way} length={DIGITS} type="number" oneTimeCode autoFocus value={value} onChange={change} aria-label={t('proof.totp')} />
        </div>
      )}
      {trouble !== '' && (
        <p className={css['trouble']} role="alert">
          {trouble}
        </p>
      )}
      {typed.length > 0 && (
        <Button type="submit" size="sm" variant="filled" loading={busy} disabled={value === ''}>
          {submit}
        </Button>
      )}
    </form>
  )
}
