import { Button, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { addStation } from '@/api/account'
import { keys } from '@/api/keys'
import css from '@/kit/form.module.css'
import { SidePane } from '@/kit/Page'

/** A screen that only looks; the link is opened there, once. */
export function StationPane({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [name, setName] = useState('')
  const add = useMutation({ mutationFn: addStation, onSuccess: () => void client.invalidateQueries({ queryKey: keys.users }) })
  const made = add.data !== undefined
  return (
    <SidePane
      title={t('users.add_station')}
      onClose={onClose}
      footer={
        <Button type="submit" form="station" variant="filled" disabled={name.trim() === '' || made} loading={add.isPending}>
          {t('action.save')}
        </Button>
      }
    >
      <form
        id="station"
        className={css['form']}
        onSubmit={(event) => {
          event.preventDefault()
          if (name.trim() !== '' && !made) add.mutate(name.trim())
        }}
      >
        <p className={css['quiet']}>{t('users.station_hint')}</p>
        <TextInput label={t('users.station_name')} autoFocus required disabled={made} maxLength={64} autoComplete="off" value={name} onChange={(event) => setName(event.currentTarget.value)} />
        {add.isError && (
          <p className={css['trouble']} role="alert">
            {add.error.message}
          </p>
        )}
        {add.data !== undefined && (
          <div role="status">
            <p className={css['quiet']}>{t('users.station_link')}</p>
            <code className={css['secret']}>{`${location.origin}/signin#link=${add.data.link}`}</code>
          </div>
        )}
      </form>
    </SidePane>
  )
}
