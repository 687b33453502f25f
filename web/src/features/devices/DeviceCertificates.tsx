import { Button } from '@mantine/core'
import { IconCertificate } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/access'
import { useCertificates } from '@/api/watch'
import { isolated } from '@/kit/format/instant'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { Section } from '@/kit/Page'
import { CertificateState } from './CertificatesTab'
import { NewCertificate } from './CertificateForms'
import own from './Devices.module.css'

/** The certificates of one device, and the way to another. */
export function DeviceCertificates({ deviceId }: { deviceId: string }) {
  const { t } = useTranslation()
  const format = useFormat()
  const mayManage = useMay('device.manage')
  const certificates = useCertificates()
  const [adding, setAdding] = useState(false)
  const opened = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (adding) opened.current?.scrollIntoView({ block: 'start' })
  }, [adding])
  const mine = (certificates.data?.items ?? []).filter((one) => one.device_id === deviceId)
  return (
    <div ref={opened} className={css['gap']}>
      <Section
        title={t('certificate.title')}
        actions={
          mayManage &&
          !adding && (
            <Button size="compact-sm" leftSection={<IconCertificate size={14} />} onClick={() => setAdding(true)}>
              {t('certificate.add')}
            </Button>
          )
        }
      >
        {adding && <NewCertificate deviceId={deviceId} onClose={() => setAdding(false)} />}
        {mine.length === 0 && !adding && <p className={css['quiet']}>{t('certificate.none_of_device')}</p>}
        <ul className={own['papers']}>
          {mine.map((one) => (
            <li key={one.fingerprint}>
              <CertificateState row={one} />
              <span className={css['quiet']}>{t('certificate.until_when', { when: isolated(format.instant(one.not_after)) })}</span>
              <code dir="ltr" title={one.fingerprint}>
                {one.fingerprint.slice(0, 16)}
              </code>
            </li>
          ))}
        </ul>
      </Section>
    </div>
  )
}
