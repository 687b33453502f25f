import { ActionIcon, Button, Select, TextInput } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/access'
import { useUsers } from '@/api/lists'
import { type Restriction, RESTRICTIONS, type StudyTies, type TieKind, TIES, useRestrict, useTie, useTies, useUntie } from '@/api/trust'
import { told } from '@/kit/act'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { Facts } from '@/kit/Page'
import { State } from '@/kit/State'
import css from './Preview.module.css'

/** Who may see this study beside the staff of its site: the mark of its patient and the people tied to it, for those who may change that. */
export function StudyAccess({ study }: { study: string }) {
  const { t } = useTranslation('access')
  const mayMark = useMay('restriction.manage')
  const mayTie = useMay('user.manage')
  const ties = useTies(study, mayMark || mayTie)
  const [marking, setMarking] = useState(false)
  if (ties.data === undefined) return null
  const found = ties.data
  return (
    <section className={css['block']} data-testid="study-access">
      <h3>{t('tie.title')}</h3>
      <Facts
        items={[
          [t('tie.place'), [found.site ?? '', found.department].filter(Boolean).join(' · ')],
          [t('restriction.kind'), found.restriction === '' ? '' : <State key="mark" tone="warning">{t(`value.${found.restriction}`)}</State>],
          [t('restriction.reason'), found.restriction === '' ? '' : found.reason],
        ]}
      />
      {mayMark && !marking && (
        <Button size="compact-xs" onClick={() => setMarking(true)}>
          {t(found.restriction === '' ? 'restriction.mark' : 'restriction.change')}
        </Button>
      )}
      {marking && <Mark found={found} onClose={() => setMarking(false)} />}
      <Ties study={study} found={found} mayTie={mayTie} />
    </section>
  )
}

function Mark({ found, onClose }: { found: StudyTies; onClose: () => void }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const restrict = useRestrict()
  const [kind, setKind] = useState<Restriction | ''>(found.restriction === '' ? 'vip' : found.restriction)
  const [reason, setReason] = useState(found.reason)
  const says = told(t(kind === '' ? 'restriction.lifted' : 'restriction.done'))
  const kinds = [...RESTRICTIONS.map((one) => ({ value: one, label: t(`value.${one}`) })), ...(found.restriction === '' ? [] : [{ value: '', label: t('restriction.no_more') }])]
  return (
    <form
      className={form['form']}
      onSubmit={(event) => {
        event.preventDefault()
        const done = (): void => {
          says.onSuccess()
          onClose()
        }
        if (reason.trim() !== '') restrict.mutate({ patient: found.patient, restriction: kind, reason: reason.trim() }, { onError: says.onError, onSuccess: done })
      }}
    >
      <Select size="xs" label={t('restriction.kind')} allowDeselect={false} data={kinds} value={kind} onChange={(value) => setKind(RESTRICTIONS.find((one) => one === value) ?? '')} />
      <TextInput size="xs" label={t('restriction.reason')} required maxLength={500} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
      <div className={form['buttons']}>
        <Button type="submit" variant="filled" disabled={reason.trim() === ''} loading={restrict.isPending}>
          {app('action.save')}
        </Button>
        <Button onClick={onClose}>{app('action.cancel')}</Button>
      </div>
    </form>
  )
}

function Ties({ study, found, mayTie }: { study: string; found: StudyTies; mayTie: boolean }) {
  const { t } = useTranslation('access')
  const format = useFormat()
  const untie = useUntie()
  const [adding, setAdding] = useState(false)
  return (
    <>
      <ul className={css['ties']}>
        {found.ties.map((one) => (
          <li key={`${one.tie} ${one.subject}`} className={css['tie']}>
            <span>
              <bdi>{one.name}</bdi>
              <small>{one.until === null ? t(`tie.${one.tie}`) : `${t(`tie.${one.tie}`)} · ${t('tie.until_when', { when: format.instant(one.until) })}`}</small>
            </span>
            {mayTie && (
              <ActionIcon aria-label={t('tie.remove_one', { name: one.name })} onClick={() => untie.mutate({ study, tie: one.tie, subject: one.subject }, told())}>
                <IconX size={14} />
              </ActionIcon>
            )}
          </li>
        ))}
      </ul>
      {mayTie && !adding && (
        <Button size="compact-xs" onClick={() => setAdding(true)}>
          {t('tie.add')}
        </Button>
      )}
      {adding && <NewTie study={study} onClose={() => setAdding(false)} />}
    </>
  )
}

/** A day in the site's own calendar ends with that day. */
const endOf = (day: string): string | null => (day === '' ? null : new Date(`${day}T23:59:59`).toISOString())

function NewTie({ study, onClose }: { study: string; onClose: () => void }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const users = useUsers().data?.items ?? []
  const tie = useTie()
  const [kind, setKind] = useState<TieKind>('reader')
  const [subject, setSubject] = useState('')
  const [until, setUntil] = useState('')
  const says = told(t('done.saved'))
  return (
    <form
      className={form['form']}
      onSubmit={(event) => {
        event.preventDefault()
        const done = (): void => {
          says.onSuccess()
          onClose()
        }
        if (subject.trim() !== '') tie.mutate({ study, tie: kind, subject: subject.trim(), until: endOf(until) }, { onError: says.onError, onSuccess: done })
      }}
    >
      <Select
        size="xs"
        label={t('tie.kind')}
        allowDeselect={false}
        data={TIES.map((one) => ({ value: one, label: t(`tie.${one}`) }))}
        value={kind}
        onChange={(value) => {
          setKind(value ?? 'reader')
          setSubject('')
        }}
      />
      {kind === 'project' ? (
        <TextInput size="xs" label={t('tie.project_name')} maxLength={128} value={subject} onChange={(event) => setSubject(event.currentTarget.value)} />
      ) : (
        <Select
          size="xs"
          label={t('explain.person')}
          searchable
          limit={50}
          data={users.filter((one) => one.kind === 'person' && one.disabled_at === null).map((one) => ({ value: one.id, label: `${one.display_name} (${one.name})` }))}
          value={subject === '' ? null : subject}
          onChange={(value) => setSubject(value ?? '')}
        />
      )}
      <TextInput size="xs" type="date" label={t('tie.until')} value={until} onChange={(event) => setUntil(event.currentTarget.value)} />
      <div className={form['buttons']}>
        <Button type="submit" variant="filled" disabled={subject.trim() === ''} loading={tie.isPending}>
          {app('action.save')}
        </Button>
        <Button onClick={onClose}>{app('action.cancel')}</Button>
      </div>
    </form>
  )
}
