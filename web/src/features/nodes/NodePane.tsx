import { Button, NumberInput, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/access'
import { echoNode, useDeleteNode, useSaveNode } from '@/api/lists'
import { type RemoteNode, type RemoteNodeDraft } from '@/api/types'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import { Echo } from '@/kit/Echo'
import css from '@/kit/form.module.css'
import { SidePane } from '@/kit/Page'

const NEW: RemoteNodeDraft = { name: '', aet: '', host: '', port: 104, kind: 'dimse' }

interface NodePaneProps {
  node: RemoteNode | null
  onSearch: (id: string) => void
  onClose: () => void
}

/** One remote node; `null` makes a new one. */
export function NodePane({ node, onSearch, onClose }: NodePaneProps) {
  const { t } = useTranslation()
  const save = useSaveNode()
  const remove = useDeleteNode()
  const mayManage = useMay('node.manage')
  const [draft, setDraft] = useState<RemoteNodeDraft>(
    node === null ? NEW : { name: node.name, aet: node.aet, host: node.host, port: node.port, kind: node.kind },
  )
  const change = (part: Partial<RemoteNodeDraft>): void => setDraft({ ...draft, ...part })
  const ready = draft.name.trim() !== '' && draft.aet.trim() !== '' && draft.host.trim() !== ''
  return (
    <SidePane
      title={node === null ? t('node.add') : <bdi>{node.name}</bdi>}
      onClose={onClose}
      footer={
        mayManage && (
          <>
            <Button type="submit" form="node" variant="filled" disabled={!ready} loading={save.isPending}>
              {t('action.save')}
            </Button>
            {node !== null && (
              <Confirm
                question={t('node.delete_question', { name: node.name })}
                confirm={t('action.delete')}
                busy={remove.isPending}
                onConfirm={() => remove.mutate(node.id, { ...told(t('node.deleted')), onSettled: onClose })}
              >
                {t('action.delete')}
              </Confirm>
            )}
          </>
        )
      }
    >
      {node !== null && (
        <div className={css['buttons']}>
          <Echo echo={() => echoNode(node.id)} />
          <Button onClick={() => onSearch(node.id)}>{t('node.search')}</Button>
        </div>
      )}
      <form
        id="node"
        className={`${css['form'] ?? ''} ${node === null ? '' : (css['gap'] ?? '')}`}
        onSubmit={(event) => {
          event.preventDefault()
          if (ready) save.mutate({ id: node?.id ?? null, draft }, { onSuccess: onClose })
        }}
      >
        <TextInput label={t('node.name')} required autoFocus={node === null} maxLength={64} value={draft.name} onChange={(event) => change({ name: event.currentTarget.value })} />
        <TextInput label={t('device.aet')} required maxLength={16} value={draft.aet} onChange={(event) => change({ aet: event.currentTarget.value })} />
        <div className={css['pair']}>
          <TextInput label={t('device.host')} required maxLength={253} value={draft.host} onChange={(event) => change({ host: event.currentTarget.value })} />
          <NumberInput
            label={t('device.port')}
            required
            min={1}
            max={65535}
            allowDecimal={false}
            hideControls
            value={draft.port}
            onChange={(value) => change({ port: typeof value === 'number' ? value : 104 })}
          />
        </div>
        {save.isError && (
          <p className={css['trouble']} role="alert">
            {save.error.message}
          </p>
        )}
      </form>
    </SidePane>
  )
}
