import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconLogin2 } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { keys } from '@/api/keys'
import { askProvider, readWays, whenProved } from '@/api/session'
import css from './Signin.module.css'

interface ProviderProofProps {
  /** There is no other way, so this is what the eye should find. */
  alone: boolean
  onProved: () => void
}

/** Who comes from another house shows there once more who it is, in a small window beside what is open. */
export function ProviderProof({ alone, onProved }: ProviderProofProps) {
  const { t } = useTranslation()
  const name = useQuery({ queryKey: keys.ways, queryFn: readWays, staleTime: Infinity }).data?.oidc?.name ?? ''
  const [trouble, setTrouble] = useState('')
  const proved = useRef(onProved)
  useEffect(() => {
    proved.current = onProved
  }, [onProved])
  useEffect(
    () =>
      whenProved((given) => {
        if (given) proved.current()
        else setTrouble(t('proof.outside_failed'))
      }),
    [t],
  )
  return (
    <div className={css['form']}>
      <Button
        size="sm"
        variant={alone ? 'filled' : 'default'}
        leftSection={<IconLogin2 size={16} />}
        autoFocus={alone}
        onClick={() => setTrouble(askProvider() ? '' : t('proof.outside_blocked'))}
      >
        {t('proof.outside', { name })}
      </Button>
      {trouble !== '' && (
        <p className={css['trouble']} role="alert">
          {trouble}
        </p>
      )}
    </div>
  )
}
