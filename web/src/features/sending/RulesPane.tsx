import { Button, MultiSelect, Select, Switch, TextInput } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useDeleteRule, useDevices, useNodes, useRules, useSaveRule } from '@/api/lists'
import { type Rule, type RuleDraft } from '@/api/types'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import { Failed } from '@/kit/Empty'
import form from '@/kit/form.module.css'
import { SidePane } from '@/kit/Page'
import css from './Sending.module.css'

const MODALITIES = ['CR', 'CT', 'DX', 'MG', 'MR', 'NM', 'OT', 'PT', 'RF', 'SC', 'SR', 'US', 'XA']
const NEW: RuleDraft = { name: '', enabled: true, node_id: '', modalities: [], device_ids: [] }

/** Rules that send settled studies on by themselves. */
export function RulesPane({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const rules = useRules()
  const [editing, setEditing] = useState<string | null>(null)
  if (rules.isError && rules.data === undefined) {
    return (
      <SidePane title={t('rule.title')} onClose={onClose}>
        <Failed error={rules.error} onRetry={() => void rules.refetch()} />
      </SidePane>
    )
  }
  const items = rules.data?.items ?? []
  const edited = editing === 'new' ? null : items.find((rule) => rule.id === editing)
  return (
    <SidePane title={t('rule.title')} onClose={onClose}>
      {editing !== null && edited !== undefined ? (
        <RuleForm key={editing} rule={edited} onDone={() => setEditing(null)} />
      ) : (
        <>
          <p className={form['quiet']}>{t(items.length === 0 ? 'rule.none' : 'rule.lead')}</p>
          <ul className={css['rules']}>
            {items.map((rule) => (
              <RuleLine key={rule.id} rule={rule} onEdit={() => setEditing(rule.id)} />
            ))}
          </ul>
          <Button leftSection={<IconPlus size={14} />} onClick={() => setEditing('new')}>
            {t('rule.add')}
          </Button>
        </>
      )}
    </SidePane>
  )
}

function RuleLine({ rule, onEdit }: { rule: Rule; onEdit: () => void }) {
  const { t } = useTranslation()
  const save = useSaveRule()
  const node = useNodes().data?.items.find((item) => item.id === rule.node_id)
  const devices = (useDevices().data?.items ?? []).filter((device) => rule.device_ids.includes(device.id))
  return (
    <li className={css['rule']}>
      <Switch
        aria-label={t('rule.enabled_of', { name: rule.name })}
        checked={rule.enabled}
        onChange={(event) => save.mutate({ id: rule.id, draft: { enabled: event.currentTarget.checked } }, told())}
      />
      <span className={css['ruleText']}>
        <strong>
          <bdi>{rule.name}</bdi>
        </strong>
        <span className={form['quiet']}>
          {t('rule.sentence', {
            what: rule.modalities.length === 0 ? t('rule.everything') : rule.modalities.join(', '),
            from: devices.length === 0 ? t('rule.anywhere') : devices.map((device) => device.aet).join(', '),
            to: node?.name ?? '?',
          })}
        </span>
      </span>
      <Button size="compact-xs" onClick={onEdit}>
        {t('action.edit')}
      </Button>
    </li>
  )
}

function RuleForm({ rule, onDone }: { rule: Rule | null; onDone: () => void }) {
  const { t } = useTranslation()
  const save = useSaveRule()
  const remove = useDeleteRule()
  const nodes = useNodes().data?.items ?? []
  const devices = useDevices().data?.items ?? []
  const [draft, setDraft] = useState<RuleDraft>(rule ?? NEW)
  const change = (part: Partial<RuleDraft>): void => setDraft({ ...draft, ...part })
  const ready = draft.name.trim() !== '' && draft.node_id !== ''
  return (
    <form
      className={form['form']}
      onSubmit={(event) => {
        event.preventDefault()
        const { name, enabled, node_id, modalities, device_ids } = draft
        if (ready) save.mutate({ id: rule?.id ?? null, draft: { name, enabled, node_id, modalities, device_ids } }, { onSuccess: onDone })
      }}
    >
      <TextInput label={t('rule.name')} required autoFocus maxLength={64} value={draft.name} onChange={(event) => change({ name: event.currentTarget.value })} />
      <MultiSelect label={t('rule.modalities')} description={t('rule.modalities_hint')} data={MODALITIES} size="xs" searchable value={draft.modalities} onChange={(modalities) => change({ modalities })} />
      <MultiSelect
        label={t('rule.devices')}
        description={t('rule.devices_hint')}
        data={devices.map((device) => ({ value: device.id, label: device.aet }))}
        size="xs"
        searchable
        value={draft.device_ids}
        onChange={(device_ids) => change({ device_ids })}
      />
      <Select
        label={t('rule.node')}
        required
        data={nodes.map((node) => ({ value: node.id, label: node.name }))}
        value={draft.node_id === '' ? null : draft.node_id}
        onChange={(value) => change({ node_id: value ?? '' })}
      />
      <Switch label={t('rule.enabled')} checked={draft.enabled} onChange={(event) => change({ enabled: event.currentTarget.checked })} />
      {save.isError && (
        <p className={form['trouble']} role="alert">
          {save.error.message}
        </p>
      )}
      <div className={form['buttons']}>
        <Button type="submit" variant="filled" disabled={!ready} loading={save.isPending}>
          {t('action.save')}
        </Button>
        <Button onClick={onDone}>{t('action.cancel')}</Button>
        {rule !== null && (
          <Confirm question={t('rule.delete_question', { name: rule.name })} confirm={t('action.delete')} onConfirm={() => remove.mutate(rule.id, { ...told(), onSettled: onDone })}>
            {t('action.delete')}
          </Confirm>
        )}
      </div>
    </form>
  )
}
