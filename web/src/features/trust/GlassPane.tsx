import { Button, Radio, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/api/access'
import { type Finding, FINDINGS, type Glass, useEndGlass, useReview, useSeen } from '@/api/trust'
import { told } from '@/kit/act'
import { Failed } from '@/kit/Empty'
import { formatDicomDate } from '@/kit/format/dicomdate'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { Facts, Section, SidePane } from '@/kit/Page'
import { State } from '@/kit/State'
import { glassReason } from './glass'
import css from './Trust.module.css'

/** One emergency access: who, whom, why, what was looked at, and the judgement of somebody else. */
export function GlassPane({ glass, onClose }: { glass: Glass; onClose: () => void }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const format = useFormat()
  const end = useEndGlass()
  const [at] = useState(Date.now)
  const lasts = glass.ended_at === null && new Date(glass.expires_at).getTime() > at
  return (
    <SidePane title={<bdi>{glass.display_name || glass.user_name}</bdi>} onClose={onClose}>
      <div className={css['apart']}>
        <Facts
          items={[
            [t('glass.who'), `${glass.display_name} (${glass.user_name})`],
            [t('glass.patient'), [glass.patient_id, glass.issuer].filter(Boolean).join(' · ')],
            [t('restriction.kind'), glass.restriction === '' ? '' : t(`value.${glass.restriction}`)],
            [t('glass.kind'), glassReason(app, glass.reason_code)],
            [t('glass.reason'), glass.reason],
            [t('glass.from'), format.instant(glass.granted_at)],
            [t('glass.until'), format.instant(glass.ended_at ?? glass.expires_at)],
            [t('glass.due'), glass.reviewed_at === null ? format.instant(glass.review_due_at) : ''],
          ]}
        />
      </div>
      {lasts && (
        <div className={`${form['buttons'] ?? ''} ${css['apart'] ?? ''}`}>
          <State tone="running">{t('glass.lasts')}</State>
          <Button loading={end.isPending} onClick={() => end.mutate(glass.id, told(t('glass.ended')))}>
            {t('glass.end')}
          </Button>
        </div>
      )}
      <Seen glass={glass} />
      {glass.reviewed_at === null ? <Judge glass={glass} onClose={onClose} /> : <Judged glass={glass} />}
    </SidePane>
  )
}

function Seen({ glass }: { glass: Glass }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const format = useFormat()
  const seen = useSeen(glass.id)
  return (
    <Section title={t('glass.seen')}>
      {seen.isError && <Failed error={seen.error} onRetry={() => void seen.refetch()} />}
      {seen.data?.items.length === 0 && <p className={form['quiet']}>{t('glass.seen_nothing')}</p>}
      <ul className={css['lines']}>
        {seen.data?.items.map((study) => (
          <li key={study.study_id} className={css['block']}>
            <strong>{[formatDicomDate(study.study_date), study.modalities.join(' ')].filter(Boolean).join(' · ')}</strong>{' '}
            <bdi>{study.description || app('study.no_description')}</bdi>
            <div className={form['quiet']}>{t('glass.seen_line', { n: format.count(study.count), first: format.instant(study.first_at), last: format.instant(study.last_at) })}</div>
          </li>
        ))}
      </ul>
    </Section>
  )
}

function Judge({ glass, onClose }: { glass: Glass; onClose: () => void }) {
  const { t } = useTranslation('access')
  const me = useSession().user.id
  const review = useReview()
  const [finding, setFinding] = useState<Finding | ''>('')
  const [comment, setComment] = useState('')
  if (glass.user_id === me) return <p className={css['notice']}>{t('glass.own')}</p>
  const wanting = finding === '' || (finding !== 'justified' && comment.trim() === '')
  const says = told(t('glass.judged'))
  return (
    <Section title={t('glass.judge')}>
      <form
        className={form['form']}
        onSubmit={(event) => {
          event.preventDefault()
          if (finding === '' || wanting) return
          const done = (): void => {
            says.onSuccess()
            onClose()
          }
          review.mutate({ id: glass.id, finding, comment: comment.trim() }, { onError: says.onError, onSuccess: done })
        }}
      >
        <Radio.Group aria-label={t('glass.judge')} value={finding} onChange={(value) => setFinding(FINDINGS.find((one) => one === value) ?? '')}>
          <div className={form['group']}>
            {FINDINGS.map((one) => (
              <Radio key={one} value={one} label={t(`finding.${one}`)} />
            ))}
          </div>
        </Radio.Group>
        <Textarea label={t('glass.note')} description={finding === '' || finding === 'justified' ? t('glass.note_optional') : t('glass.note_needed')} autosize minRows={2} maxLength={1000} value={comment} onChange={(event) => setComment(event.currentTarget.value)} />
        <div>
          <Button type="submit" variant="filled" disabled={wanting} loading={review.isPending}>
            {t('glass.save')}
          </Button>
        </div>
      </form>
    </Section>
  )
}

function Judged({ glass }: { glass: Glass }) {
  const { t } = useTranslation('access')
  const format = useFormat()
  return (
    <Section title={t('glass.judgement')}>
      <Facts
        items={[
          [t('glass.finding'), glass.finding === null ? '' : t(`finding.${glass.finding}`)],
          [t('glass.note'), glass.comment],
          [t('glass.reviewed_by'), (glass.reviewed_by ?? '').replace(/^\w+:/, '')],
          [t('glass.reviewed_at'), format.instant(glass.reviewed_at)],
        ]}
      />
    </Section>
  )
}
