import { Button, Checkbox, Select, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/api/access'
import { request } from '@/api/client'
import { ROLES, type StudyManifest } from '@/api/types'
import { notify } from '@/kit/toasts'
import { generalise, studyRules } from '../hanging/capture'
import { forgetProtocols } from '../hanging/library'
import { seenPanes } from '../hanging/ofdesk'
import { useDesk, useWorkspace } from '../state/context'
import { Sheet, wordsOf } from './Explain'
import css from './Explain.module.css'

type Target = 'user' | 'site' | `role:${string}`

function Form({ manifest }: { manifest: StudyManifest }) {
  const { t } = useTranslation('viewer')
  const { t: words } = useTranslation()
  const workspace = useWorkspace()
  const manages = useSession().permissions.includes('workspace.manage')
  const rules = studyRules(manifest)
  const [name, setName] = useState([...manifest.hanging.modalities, manifest.hanging.body_part].filter((part) => part !== '').join(' '))
  const [kept, setKept] = useState<readonly boolean[]>(rules.map(() => true))
  const [target, setTarget] = useState<Target>('user')
  const [error, setError] = useState('')
  const targets = [
    { value: 'user', label: t('hanging.target.user') },
    { value: 'site', label: t('hanging.target.site') },
    ...ROLES.map((role) => ({ value: `role:${role}`, label: t('hanging.target.role', { role: (words as (key: string) => string)(`role.${role}`) }) })),
  ]
  const save = async (): Promise<void> => {
    const chosen = rules.filter((_, index) => kept[index])
    const document = generalise(manifest, workspace.state.layout, seenPanes(workspace), name.trim(), chosen)
    if (document === undefined) {
      setError(t('hanging.nothingToSave'))
      return
    }
    const [layer = 'user', role = ''] = target.split(':')
    try {
      await request('POST', '/api/hanging/protocols', { layer, role, document })
      forgetProtocols()
      notify('ok', t('hanging.saved', { name: document.name }))
      workspace.set({ sheet: undefined })
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : t('hanging.notSaved'))
    }
  }
  return (
    <form
      className={css['form']}
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <p className={css['quiet']}>{t('hanging.saveHelp')}</p>
      <div className={css['row']}>
        <TextInput size="sm" label={t('hanging.name')} value={name} maxLength={80} required onChange={(event) => setName(event.currentTarget.value)} />
        {manages && <Select size="sm" label={t('hanging.for')} data={targets} value={target} allowDeselect={false} onChange={(value) => setTarget((value ?? 'user') as Target)} />}
      </div>
      <fieldset>
        <legend>{t('hanging.hangsWhen')}</legend>
        {rules.map((rule, index) => (
          <Checkbox
            key={index}
            size="sm"
            label={<code dir="ltr">{`${rule.attribute} ${wordsOf(rule.constraint)}`}</code>}
            checked={kept[index] === true}
            onChange={(event) => {
              const { checked } = event.currentTarget
              setKept(kept.map((value, at) => (at === index ? checked : value)))
            }}
          />
        ))}
      </fieldset>
      {error !== '' && (
        <p className={css['failed']} role="alert">
          {error}
        </p>
      )}
      <div className={css['row']}>
        <Button type="submit" size="compact-sm" disabled={name.trim() === ''}>
          {t('hanging.saveNow')}
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => workspace.set({ sheet: undefined })}>
          {t('action.close')}
        </Button>
      </div>
    </form>
  )
}

/** What is on the screen, as a rule for studies of the same kind. */
export function SaveHang() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const shown = useDesk((state) => state.sheet === 'save')
  const manifest = useDesk((state) => state.manifest)
  if (!shown || manifest === undefined) return null
  return (
    <Sheet title={t('hanging.save')} onClose={() => workspace.set({ sheet: undefined })}>
      <Form manifest={manifest} />
    </Sheet>
  )
}
