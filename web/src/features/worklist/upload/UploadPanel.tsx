import { ActionIcon, Button } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Bar } from '@/kit/Bar'
import { useFormat } from '@/kit/format/useFormat'
import { reasonText } from '@/kit/life'
import { State } from '@/kit/State'
import { cancelUpload, closeUpload, resendUnsent, useUpload } from './store'
import css from './Upload.module.css'

/** How the upload goes, and afterwards what became of every file. */
export function UploadPanel() {
  const { t } = useTranslation()
  const format = useFormat()
  const upload = useUpload()
  const [open, setOpen] = useState(false)
  if (upload.state === 'idle') return null
  const running = upload.state === 'reading' || upload.state === 'sending'
  return (
    <section className={css['panel']} aria-label={t('upload.title')}>
      <div className={css['line']}>
        {upload.state === 'reading' && <State tone="running">{t('upload.reading')}</State>}
        {upload.state === 'sending' && (
          <>
            <strong>{t('upload.sending')}</strong>
            <div className={css['bar']}>
              <Bar
                done={upload.bytesSent}
                total={upload.bytes}
                label={t('upload.title')}
                text={t('upload.progress', {
                  done: format.count(upload.filesSent),
                  total: format.count(upload.files),
                  bytesDone: format.bytes(upload.bytesSent),
                  bytes: format.bytes(upload.bytes),
                })}
              />
            </div>
          </>
        )}
        {!running && <Outcome />}
        {upload.remarks.length > 0 && (
          <Button size="compact-xs" aria-expanded={open} onClick={() => setOpen(!open)}>
            {t('upload.reasons', { count: upload.remarks.length })}
          </Button>
        )}
        {!running && upload.unsent.length > 0 && (
          <Button size="compact-xs" onClick={resendUnsent}>
            {t('upload.again', { count: upload.unsent.length })}
          </Button>
        )}
        {running ? (
          <Button size="compact-xs" onClick={cancelUpload}>
            {t('action.stop')}
          </Button>
        ) : (
          <ActionIcon aria-label={t('action.close')} onClick={closeUpload}>
            <IconX size={14} />
          </ActionIcon>
        )}
      </div>
      {open && (
        <ul className={css['remarks']}>
          {upload.remarks.map((item, index) => (
            <li key={index}>
              <State tone={item.outcome === 'held' ? 'warning' : 'critical'}>
                {item.outcome === 'held' ? t('upload.held_word') : t('upload.refused_word')}
              </State>
              <bdi className={css['file']}>{item.name}</bdi>
              <span className={css['reason']}>{reasonText(t, item.reason_code ?? '', item.reason ?? '')}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Outcome() {
  const { t } = useTranslation()
  const format = useFormat()
  const { state, tally, unsent, trouble, files, filesSent } = useUpload()
  const bad = tally.refused > 0 || tally.held > 0 || unsent.length > 0
  const tone = state === 'cancelled' ? 'stopped' : unsent.length > 0 ? 'critical' : bad ? 'warning' : 'ok'
  const parts = [
    t('upload.stored', { count: tally.stored, shown: format.count(tally.stored) }),
    ...(tally.identical > 0 ? [t('upload.identical', { count: tally.identical, shown: format.count(tally.identical) })] : []),
    ...(tally.held > 0 ? [t('upload.held', { count: tally.held, shown: format.count(tally.held) })] : []),
    ...(tally.refused > 0 ? [t('upload.refused', { count: tally.refused, shown: format.count(tally.refused) })] : []),
    ...(unsent.length > 0 ? [`${t('upload.unsent', { count: unsent.length, shown: format.count(unsent.length) })} (${trouble})`] : []),
    ...(state === 'cancelled' ? [t('upload.cancelled', { done: format.count(filesSent), total: format.count(files) })] : []),
  ]
  return (
    <div className={css['outcome']} role="status">
      <State tone={tone}>{parts.join(' · ')}</State>
    </div>
  )
}
