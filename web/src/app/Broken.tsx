import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useRouteError } from 'react-router'
import { Empty } from '@/kit/Empty'

/** A page that failed while it was drawn: the rest of the program stays. */
export function Broken() {
  const { t } = useTranslation()
  const error = useRouteError()
  return (
    <main>
      <h1 className="hg-sr">Heliograph</h1>
      <Empty
        title={t('failure.page')}
        actions={
          <>
            <Button variant="filled" onClick={() => location.reload()}>
              {t('action.reload')}
            </Button>
            <Button component="a" href="/">
              {t('page.studies')}
            </Button>
          </>
        }
      >
        {error instanceof Error ? error.message : t('failure.unknown')}
      </Empty>
    </main>
  )
}
