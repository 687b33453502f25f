import { Button, Radio, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Restriction, RESTRICTIONS, useRestrict } from '@/api/trust'
import { told } from '@/kit/act'
import form from '@/kit/form.module.css'

interface RestrictionFormProps {
  patient: string
  restriction: Restriction | ''
  reason: string
  onDone: () => void
}

const LEAST_LETTERS = 3

/** Marks a patient with a kind and a reason, or takes the mark away. */
export function RestrictionForm({ patient, restriction, reason, onDone }: RestrictionFormProps) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const restrict = useRestrict()
  const [kind, setKind] = useState<Restriction | ''>(restriction === '' ? 'vip' : restriction)
  const [why, setWhy] = useState(reason)
  const wanting = why.trim().length < LEAST_LETTERS
  const says = told(t(kind === '' ? 'restriction.lifted' : 'restriction.done'))
  return (
    <form
      className={form['form']}
      onSubmit={(event) => {
        event.preventDefault()
        if (wanting) return
        const done = (): void => {
          says.onSuccess()
          onDone()
        }
        restrict.mutate({ patient, restriction: kind, reason: why.trim() }, { onError: says.onError, onSuccess: done })
      }}
    >
      <Radio.Group label={t('restriction.kind')} value={kind} onChange={(value) => setKind(RESTRICTIONS.find((one) => one === value) ?? '')}>
        <div className={form['group']}>
          {RESTRICTIONS.map((one) => (
            <Radio key={one} value={one} label={t(`value.${one}`)} description={t(`restriction.${one}_hint`)} />
          ))}
          {restriction !== '' && <Radio value="" label={t('restriction.no_more')} />}
        </div>
      </Radio.Group>
      <TextInput label={t('restriction.reason')} description={t('restriction.reason_hint')} required maxLength={500} value={why} onChange={(event) => setWhy(event.currentTarget.value)} />
      <div>
        <Button type="submit" variant="filled" disabled={wanting || (kind === restriction && why.trim() === reason)} loading={restrict.isPending}>
          {app('action.save')}
        </Button>
      </div>
    </form>
  )
}
