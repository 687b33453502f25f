import { ActionIcon, Button, TagsInput, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { findPatients, useIsNotPatient, useIsPatient, useSetProjects, useUntie, useUserDetail } from '@/api/trust'
import { type User } from '@/api/types'
import { told } from '@/kit/act'
import { Failed } from '@/kit/Empty'
import { formatDicomDate } from '@/kit/format/dicomdate'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { Section } from '@/kit/Page'
import css from './Users.module.css'

/** What a person is to patients, projects and studies, apart from the site. */
export function UserTies({ user }: { user: User }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const format = useFormat()
  const detail = useUserDetail(user.id)
  const untie = useUntie()
  if (detail.isError) return <Failed error={detail.error} onRetry={() => void detail.refetch()} />
  if (detail.data === undefined) return <div aria-busy="true" />
  const { patients, projects, ties } = detail.data
  return (
    <>
      <Section title={t('person.patients')}>
        <p className={form['quiet']}>{t(user.roles.includes('patient') ? 'person.patients_patient' : 'person.patients_staff')}</p>
        <Patients user={user} patients={patients} />
      </Section>
      <Projects key={projects.join('\n')} user={user} projects={projects} />
      <Section title={t('person.ties')}>
        {ties.length === 0 && <p className={form['quiet']}>{t('person.no_ties')}</p>}
        <ul className={css['lines']}>
          {ties.map((tie) => (
            <li key={`${tie.tie} ${tie.study_id}`} className={css['row']}>
              <Link className={css['what']} to={`/study/${encodeURIComponent(tie.study_id)}`}>
                {t(`tie.${tie.tie}`)}
                <small>{tie.until === null ? t('tie.since', { when: format.instant(tie.created_at) }) : t('tie.until_when', { when: format.instant(tie.until) })}</small>
              </Link>
              <ActionIcon aria-label={t('tie.remove')} onClick={() => untie.mutate({ study: tie.study_id, tie: tie.tie, subject: user.id }, told())}>
                <IconX size={14} />
              </ActionIcon>
            </li>
          ))}
        </ul>
        <p className={form['quiet']}>{t('person.ties_hint', { page: app('page.studies') })}</p>
      </Section>
    </>
  )
}

function Patients({ user, patients }: { user: User; patients: { id: string; patient_id: string; issuer: string }[] }) {
  const { t } = useTranslation('access')
  const format = useFormat()
  const [text, setText] = useState('')
  const find = useMutation({ mutationFn: findPatients })
  const add = useIsPatient()
  const remove = useIsNotPatient()
  const says = told(t('done.saved'))
  return (
    <>
      <ul className={css['lines']}>
        {patients.map((one) => (
          <li key={one.id} className={css['row']}>
            <span className={css['what']}>
              <bdi>{one.patient_id}</bdi>
              <small>{one.issuer}</small>
            </span>
            <ActionIcon aria-label={t('person.is_not', { id: one.patient_id })} onClick={() => remove.mutate({ id: user.id, patient: one.id }, told())}>
              <IconX size={14} />
            </ActionIcon>
          </li>
        ))}
      </ul>
      <form
        className={css['form'] ?? ''}
        onSubmit={(event) => {
          event.preventDefault()
          if (text.trim() !== '') find.mutate(text.trim(), { onError: says.onError })
        }}
      >
        <TextInput label={t('restriction.patient_id')} maxLength={64} autoComplete="off" value={text} onChange={(event) => setText(event.currentTarget.value)} />
        <Button type="submit" disabled={text.trim() === ''} loading={find.isPending}>
          {t('explain.find')}
        </Button>
      </form>
      {find.data?.items.length === 0 && <p>{t('restriction.not_found')}</p>}
      {find.data?.items.map((one) => (
        <div key={one.id} className={css['row']}>
          <span className={css['what']}>
            <bdi>{format.name(one.name)}</bdi>
            <small>{[one.patient_id, one.issuer, formatDicomDate(one.birth_date)].filter(Boolean).join(' · ')}</small>
          </span>
          <Button
            size="compact-xs"
            loading={add.isPending}
            onClick={() =>
              add.mutate(
                { id: user.id, patient: one.id },
                {
                  onError: says.onError,
                  onSuccess: () => {
                    find.reset()
                    setText('')
                  },
                },
              )
            }
          >
            {t('person.is')}
          </Button>
        </div>
      ))}
    </>
  )
}

function Projects({ user, projects }: { user: User; projects: string[] }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const set = useSetProjects()
  const [names, setNames] = useState(projects)
  return (
    <Section title={t('person.projects')}>
      <div className={form['form']}>
        <TagsInput aria-label={t('person.projects')} placeholder={t('person.project_hint')} maxLength={128} value={names} onChange={setNames} />
        <div>
          <Button disabled={names.join('\n') === projects.join('\n')} loading={set.isPending} onClick={() => set.mutate({ id: user.id, projects: names }, told(t('done.saved')))}>
            {app('action.save')}
          </Button>
        </div>
      </div>
    </Section>
  )
}
