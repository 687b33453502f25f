import { Button, MultiSelect, Select, TextInput } from '@mantine/core'
import { IconDownload, IconSearch } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type AuditQuestion, type Outcome, rowsSheet } from '@/api/watch'
import { told } from '@/kit/act'
import { download } from '@/kit/download'
import { EVENTS, OUTCOMES } from './words'
import { type Span, SPANS, spanOf } from './spans'
import css from './Audit.module.css'

/** The fields of a question. It is asked when somebody says so, because each asking stands in the log itself. */
export function Questions({ first, onAsk }: { first: AuditQuestion; onAsk: (question: AuditQuestion) => void }) {
  const { t } = useTranslation()
  const [draft, setDraft] = useState(first)
  const [span, setSpan] = useState<Span | 'given'>(first.since === undefined ? 'any' : 'given')
  const [outcome, setOutcome] = useState<Outcome | ''>(first.outcome ?? '')
  const sheet = useMutation({ mutationFn: rowsSheet })
  const change = (part: Partial<AuditQuestion>): void => setDraft({ ...draft, ...part })
  const whole = (): AuditQuestion => tidy({ ...draft, outcome, ...(span === 'given' ? {} : spanOf(span, Date.now())) })
  return (
    <form
      className={css['questions']}
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        onAsk(whole())
      }}
    >
      <TextInput label={t('audit.who')} placeholder={t('audit.who_hint')} value={draft.actor ?? ''} maxLength={200} autoComplete="off" onChange={(event) => change({ actor: event.currentTarget.value })} />
      <TextInput label={t('audit.patient_id')} value={draft.patient_id ?? ''} maxLength={64} autoComplete="off" onChange={(event) => change({ patient_id: event.currentTarget.value })} />
      <MultiSelect
        label={t('audit.what')}
        placeholder={(draft.events ?? []).length === 0 ? t('audit.everything') : ''}
        data={EVENTS.map((value) => ({ value, label: t(`audit_event.${value}`) }))}
        value={draft.events ?? []}
        onChange={(events) => change({ events, kinds: [] })}
        clearable
        className={css['wide'] ?? ''}
      />
      <Select
        label={t('audit.when')}
        data={[...(first.since === undefined ? [] : [{ value: 'given', label: t('audit.span_given') }]), ...SPANS.map((value) => ({ value, label: t(`audit.span_${value}`) }))]}
        value={span}
        allowDeselect={false}
        onChange={(value) => setSpan((value ?? 'any') as Span | 'given')}
      />
      <Select
        label={t('audit.outcome')}
        data={[{ value: '', label: t('audit.any') }, ...OUTCOMES.map((value) => ({ value, label: t(`audit.outcome_${value}`) }))]}
        value={outcome}
        allowDeselect={false}
        onChange={(value) => setOutcome(value ?? '')}
      />
      <TextInput label={t('security.address')} value={draft.address ?? ''} maxLength={64} autoComplete="off" onChange={(event) => change({ address: event.currentTarget.value })} />
      <div className={css['ask']}>
        <Button type="submit" variant="filled" leftSection={<IconSearch size={14} />}>
          {t('audit.ask')}
        </Button>
        <Button
          leftSection={<IconDownload size={14} />}
          loading={sheet.isPending}
          onClick={() => sheet.mutate(whole(), { ...told(), onSuccess: (text) => download('audit.csv', text, 'text/csv') })}
        >
          {t('audit.csv')}
        </Button>
      </div>
    </form>
  )
}

/** Empty fields are not asked; what kind of actor was meant goes with the name that it came with. */
function tidy(question: Omit<AuditQuestion, 'outcome'> & { outcome: string }): AuditQuestion {
  const entries = Object.entries<string | string[]>(question).map(([name, value]) => [name, typeof value === 'string' ? value.trim() : value] as const)
  return Object.fromEntries(entries.filter(([, value]) => value.length > 0))
}
