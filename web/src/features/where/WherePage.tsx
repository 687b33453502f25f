import { Button, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useLocation } from 'react-router'
import { whereIs } from '@/api/studies'
import { type LifeEvent, type WhereAnswer } from '@/api/types'
import { Empty, Failed } from '@/kit/Empty'
import { formatDicomDate } from '@/kit/format/dicomdate'
import { formatInstant } from '@/kit/format/instant'
import { useFormat } from '@/kit/format/useFormat'
import { Page } from '@/kit/Page'
import { lifeText, mendText } from '@/kit/life'
import { State } from '@/kit/State'
import css from './Where.module.css'

/** One box that takes a name, a number or a UID and tells the life of a study, with the mend of what is wrong. */
export function WherePage() {
  const { t } = useTranslation()
  const { state } = useLocation() as { state: { text?: string } | null }
  const [text, setText] = useState(state?.text ?? '')
  const [asked, setAsked] = useState(state?.text ?? '')
  const answer = useQuery({
    queryKey: ['where', asked],
    queryFn: ({ signal }) => whereIs(asked, signal),
    enabled: asked !== '',
    // Names and numbers do not stay in memory after the page is left.
    gcTime: 0,
  })
  return (
    <Page title={t('page.where')}>
      <div className={css['page']}>
        <form
          className={css['ask']}
          role="search"
          onSubmit={(event) => {
            event.preventDefault()
            setAsked(text.trim())
            if (text.trim() === asked) void answer.refetch()
          }}
        >
          <TextInput
            className={css['box'] ?? ''}
            size="md"
            autoFocus
            aria-label={t('where.label')}
            placeholder={t('where.placeholder')}
            leftSection={<IconSearch size={16} />}
            value={text}
            maxLength={128}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Button type="submit" size="md" variant="filled" loading={answer.isFetching} disabled={text.trim() === ''}>
            {t('where.ask')}
          </Button>
        </form>
        {asked === '' && <p className={css['hint']}>{t('where.hint')}</p>}
        {answer.isError && <Failed error={answer.error} onRetry={() => void answer.refetch()} />}
        {answer.data?.answers.length === 0 && (
          <Empty title={t('where.nothing')}>
            <p>{t('where.nothing_lead')}</p>
            <ol className={css['checks']}>
              <li>
                {t('where.check_wants')} <Link to="/devices">{t('page.devices')}</Link>
              </li>
              <li>
                {t('where.check_quarantine')} <Link to="/quarantine">{t('page.quarantine')}</Link>
              </li>
              <li>
                {t('where.check_nodes')} <Link to="/nodes">{t('page.nodes')}</Link>
              </li>
            </ol>
          </Empty>
        )}
        {answer.data?.answers.map((item, index) => (
          <Life key={item.study_id ?? index} answer={item} />
        ))}
      </div>
    </Page>
  )
}

/** The server's line of facts with its DICOM dates laid out for reading. */
function withDates(what: string): string {
  return what
    .split(' · ')
    .map((part) => formatDicomDate(part))
    .join(' · ')
}

function Life({ answer }: { answer: WhereAnswer }) {
  const { t } = useTranslation()
  return (
    <article className={css['life']}>
      <header className={css['head']}>
        <h2>
          <bdi>{withDates(answer.what)}</bdi>
        </h2>
        {answer.study_id !== null && answer.study_id !== undefined && (
          <Button component={Link} to={`/study/${encodeURIComponent(answer.study_id)}`}>
            {t('study.open')}
          </Button>
        )}
      </header>
      <ol className={css['line']}>
        {answer.events.map((event, index) => (
          <Moment key={index} event={event} />
        ))}
      </ol>
    </article>
  )
}

function Moment({ event }: { event: LifeEvent }) {
  const { t } = useTranslation()
  const format = useFormat()
  const [day = '', time = ''] = formatInstant(event.at).split(' ')
  return (
    <li className={css['moment']} data-severity={event.severity}>
      <time dateTime={event.at} dir="ltr" className={css['time']} title={format.relative(event.at)}>
        {day} <b>{time}</b>
      </time>
      <div className={css['what']}>
        <State tone={event.severity}>{''}</State>
        <span>
          <bdi>{lifeText(t, event)}</bdi>
        </span>
        {event.mend !== null && event.mend !== undefined && <Mend mend={event.mend} />}
      </div>
    </li>
  )
}

function Mend({ mend }: { mend: NonNullable<LifeEvent['mend']> }) {
  const { t } = useTranslation()
  if (mend.link === '') return <span className={css['hintWord']}>{mendText(t, mend)}</span>
  return (
    <Button size="compact-xs" component={Link} to={mend.link}>
      {mendText(t, mend)}
    </Button>
  )
}
