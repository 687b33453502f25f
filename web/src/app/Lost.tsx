import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { Empty } from '@/kit/Empty'
import { Page } from '@/kit/Page'

export function Lost() {
  const { t } = useTranslation()
  return (
    <Page title={t('lost.title')}>
      <Empty
        title={t('lost.title')}
        actions={
          <Button component={Link} to="/" variant="filled">
            {t('page.studies')}
          </Button>
        }
      >
        {t('lost.text')}
      </Empty>
    </Page>
  )
}
