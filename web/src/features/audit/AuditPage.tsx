import { SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'react-router'
import { type AuditQuestion } from '@/api/watch'
import { Page } from '@/kit/Page'
import { EventPane } from './EventPane'
import { LogStateLine } from './LogStateLine'
import { LogTable } from './LogTable'
import { ProofForm } from './ProofForm'
import { WhoSawReport } from './WhoSawReport'

const TABS = ['log', 'patient', 'proof'] as const

/** A question that another page comes with. */
interface Brought {
  question?: AuditQuestion
}

/** The record of who did what: search, who saw a patient, the proof of an object. */
export function AuditPage() {
  const { t } = useTranslation()
  const brought = useLocation().state as Brought | null
  const [tab, setTab] = useState<(typeof TABS)[number]>('log')
  const [open, setOpen] = useState<string | null>(null)
  return (
    <Page
      title={t('page.audit')}
      lead={t('audit.lead')}
      toolbar={
        <>
          <SegmentedControl
            size="xs"
            aria-label={t('page.audit')}
            value={tab}
            onChange={(next) => {
              setTab(next)
              setOpen(null)
            }}
            data={TABS.map((value) => ({ value, label: t(`audit.tab_${value}`) }))}
          />
          <LogStateLine />
        </>
      }
      side={tab === 'log' && open !== null && <EventPane key={open} id={open} onClose={() => setOpen(null)} />}
    >
      {tab === 'log' && <LogTable first={brought?.question ?? {}} onOpen={setOpen} />}
      {tab === 'patient' && <WhoSawReport />}
      {tab === 'proof' && <ProofForm />}
    </Page>
  )
}
