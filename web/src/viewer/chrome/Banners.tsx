import { Button } from '@mantine/core'
import { IconAlertTriangle, IconDiamond, IconDownload } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type HeldObject } from '@/api/types'
import { reasonText } from '@/kit/life'
import { useDesk, useWorkspace } from '../state/context'
import css from './Banners.module.css'
import { Emergency } from './Emergency'

function HeldRow({ held }: { held: HeldObject }) {
  const { t } = useTranslation('viewer')
  const { t: words } = useTranslation()
  const word = (value: string): string => (value === '' ? t('held.empty') : value)
  return (
    <li>
      {reasonText(words, held.reason_code, held.reason)}
      {held.difference.map((difference) => (
        <span key={difference.attribute} className={css['difference']}>
          {difference.attribute}: {t('held.stored')} <bdi>{word(difference.stored)}</bdi>, {t('held.held')} <bdi>{word(difference.held)}</bdi>
        </span>
      ))}
    </li>
  )
}

/** Guard 2: a study that has held objects says so, with the difference. */
function Held() {
  const { t } = useTranslation('viewer')
  const { t: words } = useTranslation()
  const held = useDesk((state) => state.held)
  const [open, setOpen] = useState(false)
  const [first] = held
  if (first === undefined) return null
  return (
    <div className={css['banner']} data-kind="held" role="status" data-testid="held-banner">
      <IconDiamond size={16} aria-hidden />
      <div className={css['text']}>
        <strong>{t('held.title', { count: held.length })}</strong>
        {!open && <span className={css['reason']}> {reasonText(words, first.reason_code, first.reason)}</span>}
        {open && (
          <ul className={css['list']}>
            {held.map((item) => (
              <HeldRow key={item.id} held={item} />
            ))}
          </ul>
        )}
      </div>
      <Button size="compact-xs" variant="default" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t('held.details')}
      </Button>
      <Button size="compact-xs" variant="default" component={Link} to="/quarantine">
        {t('held.open')}
      </Button>
    </div>
  )
}

/** A wrong pixel hurts somebody: what is damaged is not shown, and counted. */
function Damaged() {
  const { t } = useTranslation('viewer')
  const count = useDesk((state) => state.studies.reduce((sum, study) => sum + study.series.reduce((own, entry) => own + entry.damaged, 0), 0))
  return count === 0 ? null : (
    <div className={css['banner']} data-kind="damaged" role="alert" data-testid="damaged-banner">
      <IconAlertTriangle size={16} aria-hidden />
      <div className={css['text']}>
        <strong>{t('damaged.title', { count })}</strong>
        <span className={css['reason']}> {t('damaged.why')}</span>
      </div>
    </div>
  )
}

/** Guard 7: what arrives after opening is announced, and waits for the reader. */
function Arrived() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const arrived = useDesk((state) => state.arrived)
  if (arrived === undefined) return null
  const words = [
    arrived.images > 0 ? t('arrived.images', { count: arrived.images }) : '',
    arrived.images === 0 && arrived.series > 0 ? t('arrived.series', { count: arrived.series }) : '',
    arrived.replaced ? t('arrived.replaced') : '',
  ]
  return (
    <div className={css['banner']} data-kind="arrived" role="status" data-testid="arrived-banner">
      <IconDownload size={16} aria-hidden />
      <div className={css['text']}>
        <strong>{words.filter((word) => word !== '').join(' · ')}</strong>
      </div>
      <Button size="compact-xs" variant="default" onClick={() => void workspace.showArrivals()}>
        {t('arrived.show')}
      </Button>
    </div>
  )
}

/** Amber, between them and over them: two people are on one screen. */
function OtherPatient() {
  const { t } = useTranslation('viewer')
  const isOther = useDesk((state) => state.panes.some((hung) => state.studies.some((study) => study.row.id === hung?.studyId && study.isOtherPatient)))
  return isOther ? (
    <div className={css['banner']} data-kind="patients" role="alert">
      <strong>{t('prior.otherPatient')}</strong>
    </div>
  ) : null
}

/** Guard 12: what hides names says so, and who sees it can end it. */
function Teaching() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const teaching = useDesk((state) => state.teaching)
  return teaching ? (
    <div className={css['banner']} data-kind="teaching" role="status" data-testid="teaching-banner">
      <strong>{t('display.teaching.mark')}</strong>
      <div className={css['text']}>{t('display.teaching.banner')}</div>
      <Button size="compact-xs" variant="default" onClick={() => workspace.set({ teaching: false })}>
        {t('display.teaching.end')}
      </Button>
    </div>
  ) : null
}

export function Banners() {
  return (
    <>
      <Teaching />
      <Emergency />
      <OtherPatient />
      <Damaged />
      <Held />
      <Arrived />
    </>
  )
}
