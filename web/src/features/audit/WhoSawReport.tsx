import { Button, Select, TextInput } from '@mantine/core'
import { IconDownload, IconPrinter, IconSearch } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/api/access'
import { patientSheet, useWhoSaw, type WhoSaw, type WhoSawQuestion } from '@/api/watch'
import { told } from '@/kit/act'
import { download } from '@/kit/download'
import { Empty } from '@/kit/Empty'
import { isolated } from '@/kit/format/instant'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { actorText, kindText } from './words'
import { type Span, SPANS, spanOf } from './spans'
import css from './Audit.module.css'

/** Everybody who read a patient's studies, was given them or took them out: for the patient who asks, on paper or as a table. */
export function WhoSawReport() {
  const { t } = useTranslation()
  const [patient, setPatient] = useState('')
  const [span, setSpan] = useState<Span>('any')
  const report = useWhoSaw()
  const sheet = useMutation({ mutationFn: patientSheet })
  const asked = report.variables
  return (
    <div className={css['report']}>
      <form
        className={css['questions']}
        role="search"
        onSubmit={(event) => {
          event.preventDefault()
          if (patient.trim() !== '') report.mutate({ patient_id: patient.trim(), ...spanOf(span, Date.now()) })
        }}
      >
        <TextInput label={t('audit.patient_id')} required withAsterisk={false} value={patient} maxLength={64} autoComplete="off" onChange={(event) => setPatient(event.currentTarget.value)} />
        <Select label={t('audit.when')} data={SPANS.map((value) => ({ value, label: t(`audit.span_${value}`) }))} value={span} allowDeselect={false} onChange={(value) => setSpan((value ?? 'any'))} />
        <div className={css['ask']}>
          <Button type="submit" variant="filled" disabled={patient.trim() === ''} loading={report.isPending} leftSection={<IconSearch size={14} />}>
            {t('audit.ask')}
          </Button>
          {report.data !== undefined && asked !== undefined && (
            <>
              <Button leftSection={<IconPrinter size={14} />} onClick={() => window.print()}>
                {t('audit.print')}
              </Button>
              <Button
                leftSection={<IconDownload size={14} />}
                loading={sheet.isPending}
                onClick={() => sheet.mutate(asked, { ...told(), onSuccess: (text) => download('who-saw.csv', text, 'text/csv') })}
              >
                {t('audit.csv')}
              </Button>
            </>
          )}
        </div>
      </form>
      {report.isError && (
        <p className={form['trouble']} role="alert">
          {report.error.message}
        </p>
      )}
      {report.data === undefined && !report.isError && <Empty title={t('audit.who_saw')}>{t('audit.who_saw_hint')}</Empty>}
      {report.data !== undefined && asked !== undefined && <Report found={report.data} asked={asked} />}
    </div>
  )
}

function Report({ found, asked }: { found: WhoSaw; asked: WhoSawQuestion }) {
  const { t } = useTranslation()
  const format = useFormat()
  const { site } = useSession()
  const [at] = useState(() => new Date().toISOString())
  return (
    <article className={css['paper']} data-print="only">
      <h2>{t('audit.who_saw')}</h2>
      <p>
        {t('audit.report_of', { patient: asked.patient_id, site: site.name, when: isolated(format.instant(at)) })}
        {asked.since !== undefined && ` · ${t('audit.report_since', { when: isolated(format.instant(asked.since)) })}`}
      </p>
      <p className={form['quiet']}>{t('audit.report_counts', { studies: format.count(found.studies), viewers: format.count(found.items.length) })}</p>
      {found.items.length === 0 ? (
        <p>{t('audit.nobody_saw')}</p>
      ) : (
        <table className={css['viewers']}>
          <thead>
            <tr>
              {(['who', 'actor', 'what', 'first', 'last', 'times', 'studies', 'from'] as const).map((head) => (
                <th key={head} scope="col">
                  {t(`audit.${head}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.items.map((one) => (
              <tr key={`${one.kind} ${one.id}`}>
                <td>
                  <strong>
                    <bdi>{one.display_name || one.name}</bdi>
                  </strong>
                  {one.display_name !== '' && one.display_name !== one.name && (
                    <>
                      {' '}
                      <bdi className={form['quiet']}>{one.name}</bdi>
                    </>
                  )}
                </td>
                <td>{actorText(t, one.kind)}</td>
                <td>{one.kinds.map((kind) => kindText(t, kind)).join(', ')}</td>
                <td className={css['instant']}>{format.instant(one.first_at)}</td>
                <td className={css['instant']}>{format.instant(one.last_at)}</td>
                <td className={css['figure']}>{format.count(one.count)}</td>
                <td className={css['figure']}>{format.count(one.studies)}</td>
                <td>
                  <bdi>{one.addresses.filter((address) => address !== null && address !== '').join(', ')}</bdi>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {found.truncated && <p className={form['trouble']}>{t('audit.capped')}</p>}
    </article>
  )
}
