import { SegmentedControl, Switch, useMantineColorScheme } from '@mantine/core'
import { type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/access'
import { useAbout, useSettings } from '@/api/lists'
import { useLive } from '@/api/live'
import { type About, type Setting } from '@/api/types'
import { Failed } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import { Facts, Page, Section } from '@/kit/Page'
import { usePreference } from '@/kit/preferences'
import { State } from '@/kit/State'
import { type Density } from '@/kit/table/Table'
import css from './About.module.css'

/** This program and this site: versions, what is stored, settings and where they come from. */
export function AboutPage() {
  const { t } = useTranslation()
  const about = useAbout()
  const link = useLive((state) => state.link)
  const maySettings = useMay('settings.read')
  return (
    <Page title={t('page.about')}>
      <div className={css['page']}>
        <Section title={t('about.screen')}>
          <Screen />
        </Section>
        <Section title={t('about.link')}>
          <State tone={link === 'live' ? 'ok' : link === 'lost' ? 'warning' : 'running'}>{t(`status.link_${link}`)}</State>
        </Section>
        <Section title={t('about.system')}>
          {about.isError && about.data === undefined && <Failed error={about.error} onRetry={() => void about.refetch()} />}
          {about.data !== undefined && <System about={about.data} />}
        </Section>
        {maySettings && <Settings />}
        <Section title={t('about.licence')}>
          <p className={css['quiet']}>{t('about.licence_text')}</p>
        </Section>
      </div>
    </Page>
  )
}

function Screen() {
  const { t } = useTranslation()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const [density, setDensity] = usePreference<Density>('density', 'roomy')
  return (
    <div className={css['row']}>
      <SegmentedControl
        size="xs"
        aria-label={t('theme.title')}
        value={colorScheme}
        onChange={(value) => setColorScheme(value)}
        data={(['dark', 'light', 'auto'] as const).map((value) => ({ value, label: t(`theme.${value}`) }))}
      />
      <Switch label={t('table.dense')} checked={density === 'dense'} onChange={(event) => setDensity(event.currentTarget.checked ? 'dense' : 'roomy')} />
    </div>
  )
}

function System({ about }: { about: About }) {
  const { t } = useTranslation()
  const format = useFormat()
  return (
    <Facts
      items={[
        [t('about.version'), about.version],
        [t('about.site'), about.site],
        [t('first.aet'), about.dicom.aet],
        [t('about.dicom_door'), `${about.dicom.host}:${about.dicom.port}`],
        [t('about.dicomweb'), `${location.origin}${about.dicomweb}`],
        [t('page.studies'), format.count(about.counts.studies)],
        [t('about.objects'), format.count(about.counts.instances)],
        [t('column.size'), format.bytes(about.counts.bytes)],
        [t('about.held'), format.count(about.counts.held)],
        [t('about.free'), about.storage.free_bytes === null ? '' : format.bytes(about.storage.free_bytes)],
      ]}
    />
  )
}

function Settings() {
  const { t } = useTranslation()
  const settings = useSettings()
  return (
    <Section title={t('about.settings')}>
      {settings.isError && settings.data === undefined && <Failed error={settings.error} onRetry={() => void settings.refetch()} />}
      <div className={css['scroll']}>
        <table className={css['settings']}>
          <thead>
            <tr>
              <th scope="col">{t('about.setting')}</th>
              <th scope="col">{t('about.value')}</th>
              <th scope="col">{t('about.source')}</th>
              <th scope="col">{t('about.docs')}</th>
            </tr>
          </thead>
          <tbody>
            {settings.data?.items.map((setting) => (
              <SettingRow key={setting.name} setting={setting} />
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  )
}

/** What the server's sentence puts between backticks is to be typed as it stands. */
function withCode(text: string): ReactNode[] {
  return text.split('`').map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))
}

function SettingRow({ setting }: { setting: Setting }) {
  const { t } = useTranslation()
  const plain = setting.value === null || setting.value === '' ? '–' : JSON.stringify(setting.value)
  const value = typeof setting.value === 'string' && setting.value !== '' ? setting.value : plain
  return (
    <tr>
      <th scope="row">{setting.name}</th>
      <td>
        <bdi>{value}</bdi>
      </td>
      <td className={css['quiet']}>{t(`about.source_${setting.source}`)}</td>
      <td className={css['quiet']} lang="en" dir="ltr">
        {withCode(setting.doc)}
      </td>
    </tr>
  )
}
