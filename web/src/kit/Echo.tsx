import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { IconBroadcast } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { causeText } from './life'
import { State } from './State'
import css from './form.module.css'

/** C-ECHO at the press of a button, with its answer in words. */
export function Echo({ echo }: { echo: () => Promise<{ ok: boolean; ms: number | null; error: string | null }> }) {
  const { t } = useTranslation()
  const act = useMutation({ mutationFn: echo })
  return (
    <div className={css['buttons']} role="status">
      <Button leftSection={<IconBroadcast size={14} />} loading={act.isPending} onClick={() => act.mutate()}>
        {t('echo.button')}
      </Button>
      {act.data?.ok === true && <State tone="ok">{t('echo.ok', { ms: Math.round(act.data.ms ?? 0) })}</State>}
      {act.data?.ok === false && <State tone="critical">{causeText(t, act.data.error) || t('echo.failed')}</State>}
      {act.isError && <State tone="critical">{act.error.message}</State>}
    </div>
  )
}
