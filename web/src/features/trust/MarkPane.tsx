import { Button, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { findPatients, type MarkedPatient } from '@/api/trust'
import { formatDicomDate } from '@/kit/format/dicomdate'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { Facts, SidePane } from '@/kit/Page'
import { sexWord } from '@/kit/PatientBar'
import { RestrictionForm } from './RestrictionForm'
import css from './Trust.module.css'

/** One patient: who it is, and how it is marked. */
export function MarkPane({ patient, onClose }: { patient: MarkedPatient; onClose: () => void }) {
  const { t } = useTranslation()
  const format = useFormat()
  const name = format.name(patient.name)
  return (
    <SidePane title={<bdi>{name === '' ? t('patient.no_name') : name}</bdi>} onClose={onClose}>
      <Patient patient={patient} />
      <RestrictionForm key={patient.restriction} patient={patient.id} restriction={patient.restriction} reason={patient.reason} onDone={onClose} />
    </SidePane>
  )
}

function Patient({ patient }: { patient: MarkedPatient }) {
  const { t } = useTranslation()
  const { t: words } = useTranslation('access')
  const format = useFormat()
  return (
    <div className={css['apart']}>
      <Facts
        items={[
          [t('column.id'), [patient.patient_id, patient.issuer].filter(Boolean).join(' · ')],
          [t('patient.born'), formatDicomDate(patient.birth_date)],
          [t('patient.sex'), sexWord(t, patient.sex)],
          [words('site.studies'), format.count(patient.studies)],
          [words('restriction.by'), patient.restricted_by.replace(/^\w+:/, '')],
          [words('restriction.at'), format.instant(patient.restricted_at)],
        ]}
      />
    </div>
  )
}

/** By exactly its identifier, so that nobody browses patients here. */
export function FindPatientPane({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const format = useFormat()
  const [text, setText] = useState('')
  const find = useMutation({ mutationFn: findPatients })
  return (
    <SidePane title={t('restriction.add')} onClose={onClose}>
      <form
        className={css['adder']}
        onSubmit={(event) => {
          event.preventDefault()
          if (text.trim() !== '') find.mutate(text.trim())
        }}
      >
        <TextInput label={t('restriction.patient_id')} description={t('restriction.exact')} autoFocus maxLength={64} autoComplete="off" value={text} onChange={(event) => setText(event.currentTarget.value)} />
        <Button type="submit" leftSection={<IconSearch size={14} />} disabled={text.trim() === ''} loading={find.isPending}>
          {t('explain.find')}
        </Button>
      </form>
      {find.isError && (
        <p className={form['trouble']} role="alert">
          {find.error.message}
        </p>
      )}
      {find.data?.items.length === 0 && <p className={form['gap']}>{t('restriction.not_found')}</p>}
      {find.data?.items.map((patient) => (
        <section key={patient.id} className={form['gap']}>
          <h3 className={css['found'] ?? ''}>
            <bdi>{format.name(patient.name) || app('patient.no_name')}</bdi>
          </h3>
          <Patient patient={patient} />
          <RestrictionForm patient={patient.id} restriction={patient.restriction} reason={patient.reason} onDone={onClose} />
        </section>
      ))}
    </SidePane>
  )
}
