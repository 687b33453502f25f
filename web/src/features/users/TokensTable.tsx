import { Button, MultiSelect, TextInput } from '@mantine/core'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/api/access'
import { useDeleteToken, useMakeToken, useTokens } from '@/api/lists'
import { PERMISSIONS, type Token } from '@/api/types'
import { told } from '@/kit/act'
import { Empty } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { State } from '@/kit/State'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import own from './Users.module.css'

const rowId = (row: Token): string => row.id

function useColumns(): Column<Token>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return useMemo(
    (): Column<Token>[] => [
      { id: 'name', title: t('tokens.name'), width: 200, grow: 1, fixed: true, sortValue: (row) => row.name, cell: (row) => <strong><bdi>{row.name}</bdi></strong> },
      { id: 'scopes', title: t('tokens.scopes'), width: 300, grow: 1, cell: (row) => row.scopes.join(', ') },
      { id: 'created', title: t('tokens.created'), width: 160, sortValue: (row) => row.created_at, cell: (row) => format.instant(row.created_at) },
      { id: 'used', title: t('tokens.used'), width: 130, cell: (row) => (row.last_used_at === null ? t('users.never') : format.relative(row.last_used_at)) },
      { id: 'expires', title: t('tokens.expires'), width: 160, cell: (row) => (row.expires_at === null ? t('tokens.no_end') : format.instant(row.expires_at)) },
      { id: 'act', title: t('tokens.revoke'), width: 150, cell: (row) => (row.revoked_at === null ? <Revoke token={row} /> : <State tone="stopped">{t('tokens.revoked_word')}</State>) },
    ],
    [t, format],
  )
}

function Revoke({ token }: { token: Token }) {
  const { t } = useTranslation()
  const [sure, setSure] = useState(false)
  const remove = useDeleteToken()
  if (!sure) {
    return (
      <Button size="compact-xs" onClick={() => setSure(true)}>
        {t('tokens.revoke')}
      </Button>
    )
  }
  return (
    <span className={css['buttons']}>
      <Button size="compact-xs" variant="filled" color="red" autoFocus loading={remove.isPending} onClick={() => remove.mutate(token.id, told(t('tokens.revoked')))}>
        {t('tokens.revoke')}
      </Button>
      <Button size="compact-xs" onClick={() => setSure(false)}>
        {t('action.cancel')}
      </Button>
    </span>
  )
}

/** Bearer tokens of programs; a new one is shown once. */
export function TokensTable({ making, onMade }: { making: boolean; onMade: () => void }) {
  const { t } = useTranslation()
  const tokens = useTokens()
  const make = useMakeToken()
  const columns = useColumns()
  const [selected, select] = useState<string | null>(null)
  return (
    <>
      {(making || make.data !== undefined) && (
        <div className={own['maker']}>
          {making && (
            <TokenForm
              busy={make.isPending}
              error={make.isError ? make.error.message : ''}
              onCancel={onMade}
              onMake={(body) => make.mutate(body, { onSuccess: onMade })}
            />
          )}
          {make.data !== undefined && !making && (
            <div role="status">
              <p>{t('tokens.once')}</p>
              <code className={css['secret']}>{make.data.token}</code>
              <div className={css['gap']}>
                <Button onClick={() => make.reset()}>{t('tokens.kept')}</Button>
              </div>
            </div>
          )}
        </div>
      )}
      <ListTable
        name="tokens"
        label={t('tokens.title')}
        columns={columns}
        reading={tokens}
        rowId={rowId}
        card={(row) => (
          <span className={css['card']}>
            <strong>{row.name}</strong>
            <span className={css['quiet']}>{row.scopes.join(', ')}</span>
          </span>
        )}
        selected={selected}
        onSelect={select}
        empty={<Empty title={t('tokens.none')}>{t('tokens.none_hint')}</Empty>}
      />
    </>
  )
}

interface TokenFormProps {
  busy: boolean
  error: string
  onCancel: () => void
  onMake: (body: { name: string; scopes: string[] }) => void
}

function TokenForm({ busy, error, onCancel, onMake }: TokenFormProps) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<string[]>(['study.read'])
  // A token does no more than its maker.
  const { permissions } = useSession()
  const ready = name.trim() !== '' && scopes.length > 0
  return (
    <form
      className={own['form']}
      onSubmit={(event) => {
        event.preventDefault()
        if (ready) onMake({ name: name.trim(), scopes })
      }}
    >
      <TextInput label={t('tokens.name')} autoFocus required maxLength={64} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <MultiSelect className={own['scopes'] ?? ''} size="xs" label={t('tokens.scopes')} data={['all', ...PERMISSIONS.filter((one) => permissions.includes(one))]} searchable value={scopes} onChange={setScopes} />
      <Button type="submit" variant="filled" disabled={!ready} loading={busy}>
        {t('tokens.add')}
      </Button>
      <Button onClick={onCancel}>{t('action.cancel')}</Button>
      {error !== '' && (
        <p className={css['trouble']} role="alert">
          {error}
        </p>
      )}
    </form>
  )
}
