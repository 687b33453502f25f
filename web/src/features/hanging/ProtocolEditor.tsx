import { Button, Select, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/api/access'
import { useAddProtocol, useChangeProtocol, useRemoveProtocol, type HangingLayer, type LayeredProtocol } from '@/api/hanging'
import { ROLES } from '@/api/types'
import form from '@/kit/form.module.css'
import { Section } from '@/kit/Page'
import { notify } from '@/kit/toasts'
import { forgetProtocols } from '@/viewer/hanging/library'
import css from './Hanging.module.css'

type Target = 'user' | 'site' | `role:${string}`

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** A protocol as it is written. What one may not change is copied into a layer that one may. */
export function Editor({ one, onClose }: { one: LayeredProtocol; onClose: () => void }) {
  const { t } = useTranslation('viewer')
  const { t: app } = useTranslation()
  const manages = useSession().permissions.includes('workspace.manage')
  const [text, setText] = useState(() => JSON.stringify(one.document, null, 2))
  const [target, setTarget] = useState<Target>('user')
  const [add, change, remove] = [useAddProtocol(), useChangeProtocol(), useRemoveProtocol()]
  const document = parsed(text)
  const failed = add.error ?? change.error ?? remove.error
  const done = (): void => {
    forgetProtocols()
    notify('ok', t('hanging.kept'))
  }
  const copy = (enabled: boolean): void => {
    const [layer = 'user', role = ''] = target.split(':')
    add.mutate({ layer: layer as Exclude<HangingLayer, 'shipped'>, role, enabled, document }, { onSuccess: done })
  }
  const takeAway = (): void =>
    remove.mutate(one.id, {
      onSuccess: () => {
        done()
        onClose()
      },
    })
  const targets = [
    { value: 'user', label: t('hanging.target.user') },
    ...(manages ? [{ value: 'site', label: t('hanging.target.site') }] : []),
    ...(manages ? ROLES.map((role) => ({ value: `role:${role}`, label: t('hanging.target.role', { role: (app as (key: string) => string)(`role.${role}`) }) })) : []),
  ]
  return (
    <Section title={one.document.name}>
      <Textarea
        className={css['text'] ?? ''}
        label={t('hanging.document')}
        dir="ltr"
        spellCheck={false}
        autosize
        minRows={8}
        maxRows={24}
        value={text}
        error={document === undefined ? t('hanging.notJson') : failed?.message}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <div className={css['row']}>
        {one.can_edit && (
          <>
            <Button size="compact-sm" disabled={document === undefined} loading={change.isPending} onClick={() => change.mutate({ id: one.id, version: one.version, document }, { onSuccess: done })}>
              {t('hanging.saveNow')}
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => change.mutate({ id: one.id, version: one.version, enabled: !one.enabled }, { onSuccess: done })}>
              {t(one.enabled ? 'hanging.switchOff' : 'hanging.switchOn')}
            </Button>
            <Button size="compact-sm" variant="default" color="red" onClick={takeAway}>
              {t('hanging.remove')}
            </Button>
          </>
        )}
        <Select size="xs" aria-label={t('hanging.for')} data={targets} value={target} allowDeselect={false} onChange={(value) => setTarget((value ?? 'user') as Target)} />
        <Button size="compact-sm" variant="default" disabled={document === undefined} loading={add.isPending} onClick={() => copy(true)}>
          {t('hanging.copyTo')}
        </Button>
        {!one.can_edit && (
          <Button size="compact-sm" variant="default" onClick={() => copy(false)}>
            {t('hanging.switchOffFor')}
          </Button>
        )}
        <Button size="compact-sm" variant="subtle" onClick={onClose}>
          {t('action.close')}
        </Button>
      </div>
      {one.changed_by !== '' && <p className={form['quiet']}>{t('hanging.changedBy', { name: one.changed_by, version: one.version })}</p>}
    </Section>
  )
}
