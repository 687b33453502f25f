import { IconAlertTriangle, IconPlugConnected, IconPlugConnectedX, IconProgressCheck, IconSend, type Icon } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useMay } from '@/api/access'
import { useAlarms, useJobs, useSends } from '@/api/lists'
import { useLive } from '@/api/live'
import { Tip } from '@/kit/Tip'
import css from './StatusDots.module.css'

interface DotProps {
  to: string
  icon: Icon
  label: string
  tone: 'quiet' | 'ok' | 'running' | 'urgent' | 'critical'
  count?: number
}

function Dot({ to, icon: Icon, label, tone, count = 0 }: DotProps) {
  return (
    <Tip label={label}>
      <Link to={to} className={css['dot']} data-tone={tone} aria-label={label}>
        <Icon size={16} stroke={1.75} aria-hidden />
        {count > 0 && <span>{count > 99 ? '99+' : count}</span>}
      </Link>
    </Tip>
  )
}

function JobsDot() {
  const { t } = useTranslation()
  const jobs = useJobs().data?.items ?? []
  const failed = jobs.filter((job) => job.state === 'failed').length
  const running = jobs.filter((job) => job.state === 'running' || job.state === 'queued').length
  if (failed > 0) return <Dot to="/jobs" icon={IconProgressCheck} tone="critical" count={failed} label={t('status.jobs_failed', { count: failed })} />
  return (
    <Dot
      to="/jobs"
      icon={IconProgressCheck}
      tone={running > 0 ? 'running' : 'quiet'}
      count={running}
      label={running > 0 ? t('status.jobs_running', { count: running }) : t('status.jobs_none')}
    />
  )
}

function SendsDot() {
  const { t } = useTranslation()
  const sends = useSends().data?.items ?? []
  const failed = sends.filter((send) => send.state === 'failed').length
  const open = sends.filter((send) => send.state === 'queued' || send.state === 'sending' || send.state === 'waiting').length
  const tone = failed > 0 ? 'critical' : open > 0 ? 'running' : 'quiet'
  const label =
    failed > 0 ? t('status.unsent_failed', { count: failed }) : open > 0 ? t('status.unsent', { count: open }) : t('status.unsent_none')
  return <Dot to="/sending" icon={IconSend} tone={tone} count={failed > 0 ? failed : open} label={label} />
}

function AlarmsDot() {
  const { t } = useTranslation()
  const alarms = useAlarms().data?.items ?? []
  const critical = alarms.some((alarm) => alarm.severity === 'critical' && alarm.acknowledged_by === null)
  const tone = alarms.length === 0 ? 'quiet' : critical ? 'critical' : 'urgent'
  return (
    <Dot
      to="/alarms"
      icon={IconAlertTriangle}
      tone={tone}
      count={alarms.length}
      label={alarms.length > 0 ? t('status.alarms', { count: alarms.length }) : t('status.alarms_none')}
    />
  )
}

/** How the line, the jobs, the sending and the alarms are; each opens its list. */
export function StatusDots() {
  const { t } = useTranslation()
  const link = useLive((state) => state.link)
  const jobs = useMay('job.read')
  const sends = useMay('send.create')
  const alarms = useMay('alarm.read')
  const lost = link === 'lost'
  return (
    <div className={css['dots']} role="group" aria-label={t('status.title')}>
      <Dot
        to="/about"
        icon={lost ? IconPlugConnectedX : IconPlugConnected}
        tone={lost ? 'urgent' : link === 'live' ? 'ok' : 'quiet'}
        label={t(`status.link_${link}`)}
      />
      {jobs && <JobsDot />}
      {sends && <SendsDot />}
      {alarms && <AlarmsDot />}
    </div>
  )
}
