import { Button, Select, TextInput } from '@mantine/core'
import { IconLock, IconLockOpen } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { breakGlass, GLASS_REASONS, type GlassReason } from '@/api/glass'
import { type WithheldStudies } from '@/api/types'
import { told } from '@/kit/act'
import { visible } from '@/kit/format/person'
import css from './Withheld.module.css'

const LEAST_LETTERS = 5

/** Safety guard 10: who treats is told that something is withheld, and can open it with a reason that somebody reviews. */
export function Withheld({ found, onOpened }: { found: readonly WithheldStudies[]; onOpened: () => void }) {
  return found.map((one) => <OfPatient key={one.patient} one={one} onOpened={onOpened} />)
}

function OfPatient({ one, onOpened }: { one: WithheldStudies; onOpened: () => void }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  return (
    <div className={css['line']} role="status" data-testid="withheld">
      <IconLock size={14} aria-hidden />
      <span className={css['text']}>
        {t('withheld.line', { count: one.count })}
        {one.issuer !== '' && <span className={css['issuer']}>{visible(one.issuer)}</span>}
      </span>
      {open ? (
        <GlassForm one={one} onOpened={onOpened} onClose={() => setOpen(false)} />
      ) : (
        <Button size="compact-xs" color="red" variant="outline" onClick={() => setOpen(true)}>
          {t('withheld.break')}
        </Button>
      )}
    </div>
  )
}

function GlassForm({ one, onOpened, onClose }: { one: WithheldStudies; onOpened: () => void; onClose: () => void }) {
  const { t } = useTranslation()
  const [code, setCode] = useState<GlassReason>('emergency')
  const [reason, setReason] = useState('')
  const says = told(t('withheld.done'))
  const act = useMutation({
    mutationFn: breakGlass,
    onError: says.onError,
    onSuccess: () => {
      says.onSuccess()
      onOpened()
    },
  })
  const wanting = reason.trim().length < LEAST_LETTERS
  return (
    <form
      className={css['form']}
      onSubmit={(event) => {
        event.preventDefault()
        if (!wanting) act.mutate({ patient: one.patient, reason_code: code, reason: reason.trim() })
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose()
      }}
    >
      <Select
        size="xs"
        label={t('withheld.why')}
        data={GLASS_REASONS.map((value) => ({ value, label: t(`withheld.${value}`) }))}
        value={code}
        allowDeselect={false}
        onChange={(value) => setCode(value ?? 'emergency')}
      />
      <TextInput
        size="xs"
        autoFocus
        label={t('withheld.reason')}
        description={t('withheld.reviewed')}
        value={reason}
        maxLength={500}
        onChange={(event) => setReason(event.currentTarget.value)}
        className={css['reason']}
      />
      <Button type="submit" color="red" variant="filled" disabled={wanting} loading={act.isPending} leftSection={<IconLockOpen size={14} />}>
        {t('withheld.break')}
      </Button>
      <Button onClick={onClose}>{t('action.cancel')}</Button>
    </form>
  )
}
