import { Button } from '@mantine/core'
import { IconFilterOff } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useMay } from '@/api/access'
import { useSettings } from '@/api/lists'
import { Empty } from '@/kit/Empty'
import { clearFilters } from './FilterBar'
import { type Filters, isFiltered } from './filters'
import { pickFiles } from './upload/picker'
import css from './Worklist.module.css'

/** Why nothing is here, and the next step: widen the filter, or bring in the first study. */
export function EmptyList({ filters }: { filters: Filters }) {
  const { t } = useTranslation()
  if (isFiltered(filters)) {
    return (
      <Empty
        title={t('worklist.none_found')}
        actions={
          <>
            <Button variant="filled" leftSection={<IconFilterOff size={14} />} onClick={clearFilters}>
              {t('filter.clear')}
            </Button>
            <Button component={Link} to="/where" state={{ text: filters.text }}>
              {t('page.where')}
            </Button>
          </>
        }
      >
        {t('worklist.none_found_hint')}
      </Empty>
    )
  }
  return <FirstSteps />
}

function useDoor(): { aet: string; host: string; port: string } {
  const settings = useSettings(useMay('settings.read')).data?.items ?? []
  const value = (name: string): string => {
    const found = settings.find((setting) => setting.name === name)?.value
    return typeof found === 'string' ? found : ''
  }
  const [, port = '11112'] = /:(\d+)$/.exec(value('dicom')) ?? []
  return { aet: value('aet') || 'HELIOGRAPH', host: location.hostname, port }
}

function FirstSteps() {
  const { t } = useTranslation()
  const door = useDoor()
  const mayStore = useMay('study.store')
  return (
    <Empty title={t('first.title')}>
      <p>{t('first.lead')}</p>
      <ol className={css['steps']}>
        <li>
          <h3>{t('first.connect')}</h3>
          <p>{t('first.connect_text')}</p>
          <dl className={css['door']}>
            <dt>{t('first.aet')}</dt>
            <dd>{door.aet}</dd>
            <dt>{t('first.host')}</dt>
            <dd>{door.host}</dd>
            <dt>{t('first.port')}</dt>
            <dd>{door.port}</dd>
          </dl>
          <Button component={Link} to="/devices">
            {t('page.devices')}
          </Button>
        </li>
        <li>
          <h3>{t('first.import')}</h3>
          <p>{t('first.import_text')}</p>
          <code className={css['command']}>heliograph import PATH</code>
        </li>
        {mayStore && (
          <li>
            <h3>{t('first.upload')}</h3>
            <p>{t('first.upload_text')}</p>
            <div className={css['row']}>
              <Button onClick={() => pickFiles(false)}>{t('upload.pick_files')}</Button>
              <Button onClick={() => pickFiles(true)}>{t('upload.pick_folder')}</Button>
            </div>
          </li>
        )}
      </ol>
    </Empty>
  )
}
