import { type TFunction } from 'i18next'
import { type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ageAt, formatDicomDate } from './format/dicomdate'
import { visible } from './format/person'
import { useFormat } from './format/useFormat'
import css from './PatientBar.module.css'

export interface BarPatient {
  id: string
  name: string
  patient_id: string
  issuer: string
  birth_date: string
  sex: string
}

interface PatientBarProps {
  patient: BarPatient
  /** CSS colour of the patient, from `openPatientColour`. */
  colour: string
  /** Date of the examination on screen, so that the age is the age then. */
  examDate?: string
  alerts?: ReactNode
  children?: ReactNode
}

/** Who is on screen: one component with one colour per open patient in list, viewer, report and pop-out windows. */
export function PatientBar({ patient, colour, examDate, alerts, children }: PatientBarProps) {
  const { t } = useTranslation()
  const format = useFormat()
  const age = examDate === undefined || ageAt(patient.birth_date, examDate) === null ? '' : format.age(patient.birth_date, examDate)
  const name = format.name(patient.name)
  return (
    <section className={css['bar']} style={{ borderInlineStartColor: colour }} aria-label={t('patient.bar')} data-identity>
      <strong className={css['name']} title={name}>
        <bdi>{name === '' ? t('patient.no_name') : name}</bdi>
      </strong>
      <span className={css['fact']} title={t('patient.id')}>
        <bdi>{patient.patient_id === '' ? t('patient.no_id') : visible(patient.patient_id)}</bdi>
        {patient.issuer !== '' && <span className={css['issuer']}> {visible(patient.issuer)}</span>}
      </span>
      {patient.birth_date !== '' && (
        <span className={css['fact']} title={t('patient.born')}>
          <span className={css['symbol']} aria-hidden>
            *
          </span>{' '}
          <bdi>{formatDicomDate(patient.birth_date)}</bdi>
          {age !== '' && <span className={css['issuer']}> {age}</span>}
        </span>
      )}
      {patient.sex !== '' && (
        <span className={css['fact']} title={t('patient.sex')}>
          {sexWord(t, patient.sex)}
        </span>
      )}
      {alerts}
      {children}
    </section>
  )
}

export function sexWord(t: TFunction, sex: string): string {
  if (sex === 'F' || sex === 'M' || sex === 'O') return t(`sex.${sex}`)
  return sex
}
