import { Button, TextInput } from '@mantine/core'
import { IconDownload, IconShieldCheck } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type ObjectProof, useProof } from '@/api/watch'
import { download } from '@/kit/download'
import { Empty } from '@/kit/Empty'
import { isolated } from '@/kit/format/instant'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { Facts } from '@/kit/Page'
import { State } from '@/kit/State'
import css from './Audit.module.css'

/** Is one stored object as it was first received? The answer can be taken along and verified without this program. */
export function ProofForm() {
  const { t } = useTranslation()
  const [uid, setUid] = useState('')
  const proof = useProof()
  const ready = /^[0-9.]{1,64}$/.test(uid.trim())
  return (
    <div className={css['report']}>
      <form
        className={css['questions']}
        onSubmit={(event) => {
          event.preventDefault()
          if (ready) proof.mutate(uid.trim())
        }}
      >
        <TextInput className={css['wide'] ?? ''} label="SOP Instance UID" value={uid} maxLength={64} autoComplete="off" dir="ltr" onChange={(event) => setUid(event.currentTarget.value)} />
        <div className={css['ask']}>
          <Button type="submit" variant="filled" disabled={!ready} loading={proof.isPending} leftSection={<IconShieldCheck size={14} />}>
            {t('audit.prove')}
          </Button>
        </div>
      </form>
      {proof.isError && (
        <p className={form['trouble']} role="alert">
          {proof.error.message}
        </p>
      )}
      {proof.data === undefined && !proof.isError && <Empty title={t('audit.proof_title')}>{t('audit.proof_hint')}</Empty>}
      {proof.data !== undefined && <Proved found={proof.data} />}
    </div>
  )
}

function Proved({ found }: { found: ObjectProof }) {
  const { t } = useTranslation()
  const format = useFormat()
  return (
    <div className={css['paper']}>
      <p className={css['verdict']}>
        <State tone={found.unchanged ? 'ok' : 'critical'}>{t(found.unchanged ? 'audit.object_unchanged' : 'audit.object_changed', { when: isolated(format.instant(found.received_at)) })}</State>
      </p>
      {found.findings.map((one) => (
        <p key={one} className={form['trouble']} lang="en" dir="ltr">
          {one}
        </p>
      ))}
      <Facts
        items={[
          ['SOP Instance UID', found.sop_uid],
          ['SHA-256', found.sha256],
          [t('audit.received'), format.instant(found.received_at)],
          [t('audit.number'), format.count(found.event)],
          [t('audit.checkpoint'), found.checkpoint === null ? '' : format.count(found.checkpoint)],
          [t('audit.signing_key'), found.key],
        ]}
      />
      <p className={form['gap']}>
        <Button leftSection={<IconDownload size={14} />} onClick={() => download(`${found.sop_uid}.proof.json`, JSON.stringify(found.proof, null, 1), 'application/json')}>
          {t('audit.proof_file')}
        </Button>
      </p>
      <p className={form['quiet']}>{t('audit.proof_how')}</p>
      <code dir="ltr">python verifier.py object {found.sop_uid}.proof.json object.dcm</code>
    </div>
  )
}
