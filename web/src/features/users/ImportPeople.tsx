import { Button, FileInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { IconDownload, IconFileSpreadsheet } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { importPeople, type PeopleImported } from '@/api/account'
import { keys } from '@/api/keys'
import css from '@/kit/form.module.css'
import { SidePane } from '@/kit/Page'
import { State } from '@/kit/State'
import own from './ImportPeople.module.css'

const COLUMNS = 'name; display_name; roles; sites; departments; clearances; disabled'

/** A list from a spreadsheet: looked at first, then brought in as a whole or not at all. */
export function ImportPeople({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [file, setFile] = useState<File | null>(null)
  const check = useMutation({ mutationFn: (chosen: File) => importPeople(chosen, true) })
  const bring = useMutation({
    mutationFn: (chosen: File) => importPeople(chosen, false),
    onSuccess: () => void client.invalidateQueries({ queryKey: keys.users }),
  })
  const found = bring.data ?? check.data
  const count = found?.items.filter((item) => item.outcome !== 'same').length ?? 0
  const trouble = bring.error ?? check.error
  const choose = (chosen: File | null): void => {
    setFile(chosen)
    bring.reset()
    check.reset()
    if (chosen !== null) check.mutate(chosen)
  }
  return (
    <SidePane
      title={t('people_import.title')}
      onClose={onClose}
      footer={
        found?.done === true ? undefined : (
          <Button variant="filled" disabled={file === null || count === 0} loading={bring.isPending} onClick={() => file !== null && bring.mutate(file)}>
            {count === 0 ? t('people_import.title') : t('people_import.act', { count })}
          </Button>
        )
      }
    >
      <div className={css['form']}>
        <p className={css['quiet']}>{t('people_import.lead')}</p>
        <code className={own['columns']} dir="ltr">
          {COLUMNS}
        </code>
        <FileInput label={t('people_import.file')} placeholder={t('people_import.choose')} accept=".csv,.txt,text/csv" clearable value={file} onChange={choose} leftSection={<IconFileSpreadsheet size={14} />} />
        {check.isPending && <p role="status">{t('people_import.checking')}</p>}
        {trouble !== null && (
          <p className={css['trouble']} role="alert">
            {trouble.message}
          </p>
        )}
        {found !== undefined && (found.problems.length > 0 ? <Problems found={found} /> : <Outcome found={found} />)}
      </div>
    </SidePane>
  )
}

function Problems({ found }: { found: PeopleImported }) {
  const { t, i18n } = useTranslation()
  const say = (code: string, message: string): string => {
    const key = `people_import.problem.${code}`
    return i18n.exists(key) ? (i18n.t as (name: string) => string)(key) : message
  }
  return (
    <section role="alert">
      <strong>{t('people_import.problems')}</strong>
      <p className={css['quiet']}>{t('people_import.none_done')}</p>
      <ul className={own['list']}>
        {found.problems.map((one) => (
          <li key={`${one.line} ${one.column} ${one.code}`}>
            <State tone="critical">{one.column === '' ? t('people_import.where_line', { line: one.line }) : t('people_import.where', { line: one.line, column: one.column })}</State>
            <span>{say(one.code, one.message)}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Outcome({ found }: { found: PeopleImported }) {
  const { t } = useTranslation()
  const tally = (outcome: string): number => found.items.filter((item) => item.outcome === outcome).length
  const links = found.items.filter((item) => item.link !== null)
  return (
    <section role="status">
      {found.done && <strong>{t('people_import.done')}</strong>}
      <dl className={own['tally']}>
        <dt>{t('people_import.fresh')}</dt>
        <dd>{tally('new')}</dd>
        <dt>{t('people_import.changed')}</dt>
        <dd>{tally('changed')}</dd>
        <dt>{t('people_import.same')}</dt>
        <dd>{tally('same')}</dd>
      </dl>
      {!found.done && found.items.every((item) => item.outcome === 'same') && <p>{t('people_import.nothing')}</p>}
      {links.length > 0 && (
        <>
          <p className={css['quiet']}>{t('people_import.links')}</p>
          <Button component="a" href={sheetOf(links)} download="links.csv" leftSection={<IconDownload size={14} />}>
            {t('people_import.save')}
          </Button>
        </>
      )}
    </section>
  )
}

/** Name and link of each as a file; a name that a spreadsheet would take for a formula is made text. */
function sheetOf(links: PeopleImported['items']): string {
  const quoted = (text: string): string => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`
  const lines = links.map((item) => `${quoted(item.name)},${quoted(`${location.origin}/signin#link=${item.link ?? ''}`)}`)
  return `data:text/csv;charset=utf-8,${encodeURIComponent(`\uFEFFname,link\r\n${lines.join('\r\n')}\r\n`)}`
}
