import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/client'
import { Empty } from '@/kit/Empty'

/** The server gave no session and no refusal either: it is down, starting, or the line is cut. */
export function Unreachable({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useTranslation()
  const offline = error instanceof ApiError && error.offline
  return (
    <main>
      <h1 className="hg-sr">Heliograph</h1>
      <Empty
        title={t(offline ? 'offline.title' : 'failure.load')}
        actions={
          <Button variant="filled" onClick={onRetry}>
            {t('action.retry')}
          </Button>
        }
      >
        {offline ? t('offline.text') : error instanceof Error ? error.message : t('failure.unknown')}
      </Empty>
    </main>
  )
}
