import { Button, Checkbox, NumberInput, SegmentedControl, Textarea } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type CertificateMade, type CertificateWish, useCertify } from '@/api/watch'
import { bytesOf, download } from '@/kit/download'
import { isolated } from '@/kit/format/instant'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { Facts } from '@/kit/Page'
import { State } from '@/kit/State'

const WAYS = ['make', 'csr', 'trust'] as const
const PEM = /-----BEGIN [A-Z ]+-----/

/** Gives a device a certificate: its key made here, its own signing request, or a certificate that it has. */
export function NewCertificate({ deviceId, onClose }: { deviceId: string; onClose: () => void }) {
  const { t } = useTranslation()
  const certify = useCertify()
  const [way, setWay] = useState<(typeof WAYS)[number]>('make')
  const [days, setDays] = useState(730)
  const [rsa, setRsa] = useState(false)
  const [pem, setPem] = useState('')
  if (certify.data !== undefined) return <Made made={certify.data} onClose={onClose} />
  const ready = way === 'make' || PEM.test(pem)
  const wish = (): CertificateWish => (way === 'make' ? { days, rsa } : way === 'csr' ? { days, csr: pem } : { certificate: pem })
  return (
    <form
      className={css['form']}
      aria-label={t('certificate.add')}
      onSubmit={(event) => {
        event.preventDefault()
        event.stopPropagation()
        if (ready) certify.mutate({ deviceId, ...wish() })
      }}
    >
      <SegmentedControl
        size="xs"
        fullWidth
        aria-label={t('certificate.add')}
        value={way}
        onChange={setWay}
        data={WAYS.map((value) => ({ value, label: t(`certificate.way_${value}`) }))}
      />
      <p className={css['quiet']}>{t(`certificate.way_${way}_text`)}</p>
      {way !== 'trust' && (
        <NumberInput label={t('certificate.days')} min={1} max={3650} allowDecimal={false} value={days} onChange={(value) => setDays(typeof value === 'number' ? value : 730)} />
      )}
      {way === 'make' && <Checkbox label={t('certificate.rsa')} description={t('certificate.rsa_hint')} checked={rsa} onChange={(event) => setRsa(event.currentTarget.checked)} />}
      {way !== 'make' && (
        <Textarea
          label={t(way === 'csr' ? 'certificate.csr' : 'certificate.pem')}
          placeholder={way === 'csr' ? '-----BEGIN CERTIFICATE REQUEST-----' : '-----BEGIN CERTIFICATE-----'}
          dir="ltr"
          rows={6}
          maxLength={16384}
          value={pem}
          onChange={(event) => setPem(event.currentTarget.value)}
        />
      )}
      {certify.isError && (
        <p className={css['trouble']} role="alert">
          {certify.error.message}
        </p>
      )}
      <div className={css['buttons']}>
        <Button type="submit" variant="filled" disabled={!ready} loading={certify.isPending}>
          {t(way === 'trust' ? 'certificate.do_trust' : 'certificate.do_make')}
        </Button>
        <Button onClick={onClose}>{t('action.cancel')}</Button>
      </div>
    </form>
  )
}

/** What the device needs, once: the key is not kept here. */
function Made({ made, onClose }: { made: CertificateMade; onClose: () => void }) {
  const { t } = useTranslation()
  const format = useFormat()
  const name = made.aet.replace(/[^A-Za-z0-9_-]/g, '_')
  const pem = 'application/x-pem-file'
  return (
    <div role="status" className={css['form']}>
      <State tone="ok">{t('certificate.made', { aet: made.aet, when: isolated(format.instant(made.not_after).slice(0, 10)) })}</State>
      {made.key_pem !== '' && <p>{t('certificate.once')}</p>}
      <div className={css['buttons']}>
        {made.pkcs12 !== '' && (
          <Button variant="filled" leftSection={<IconDownload size={14} />} onClick={() => download(`${name}.p12`, bytesOf(made.pkcs12), 'application/x-pkcs12')}>
            {name}.p12
          </Button>
        )}
        {made.key_pem !== '' && (
          <Button leftSection={<IconDownload size={14} />} onClick={() => download(`${name}.key`, made.key_pem, pem)}>
            {name}.key
          </Button>
        )}
        <Button leftSection={<IconDownload size={14} />} onClick={() => download(`${name}.pem`, made.certificate_pem, pem)}>
          {name}.pem
        </Button>
        {made.authority_pem !== '' && (
          <Button leftSection={<IconDownload size={14} />} onClick={() => download('ca.pem', made.authority_pem, pem)}>
            ca.pem
          </Button>
        )}
      </div>
      {made.password !== '' && (
        <div>
          <p className={css['quiet']}>{t('certificate.password')}</p>
          <code className={css['secret']}>{made.password}</code>
        </div>
      )}
      <Facts items={[['SHA-256', made.fingerprint]]} />
      <div>
        <Button onClick={onClose}>{t(made.key_pem === '' ? 'action.close' : 'certificate.kept')}</Button>
      </div>
    </div>
  )
}
