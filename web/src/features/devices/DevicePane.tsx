import { Button, Checkbox, NumberInput, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/access'
import { echoDevice, useDeleteDevice, useSaveDevice } from '@/api/lists'
import { type Device, type DeviceDraft, type Service } from '@/api/types'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import { Echo } from '@/kit/Echo'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { Facts, SidePane } from '@/kit/Page'
import { State } from '@/kit/State'
import { DeviceCertificates } from './DeviceCertificates'

export const SERVICES: readonly Service[] = ['echo', 'store', 'find', 'move', 'get']
/** AE titles (PS3.5 6.2): 16 characters, no backslash, no control characters, not only spaces. */
export const AET = /^(?! *$)[\x20-\x5b\x5d-\x7e]{1,16}$/

const NEW: DeviceDraft = { aet: '', host: '', port: null, description: '', allow: ['echo', 'store'], pinned: true, default_issuer: '' }

export function ServiceBoxes({ value, onChange }: { value: Service[]; onChange: (value: Service[]) => void }) {
  const { t } = useTranslation()
  return (
    <fieldset className={css['group']}>
      <legend>{t('device.allow')}</legend>
      {SERVICES.map((service) => (
        <Checkbox
          key={service}
          label={t(`service.${service}_long`)}
          checked={value.includes(service)}
          onChange={(event) => onChange(SERVICES.filter((item) => (item === service ? event.currentTarget.checked : value.includes(item))))}
        />
      ))}
    </fieldset>
  )
}

/** A device: what is known of it, what it may do. `null` makes a new one. */
export function DevicePane({ device, onClose }: { device: Device | null; onClose: () => void }) {
  const { t } = useTranslation()
  const format = useFormat()
  const save = useSaveDevice()
  const remove = useDeleteDevice()
  const mayManage = useMay('device.manage')
  const [draft, setDraft] = useState<DeviceDraft>(device === null ? NEW : { ...NEW, ...pick(device) })
  const change = (part: Partial<DeviceDraft>): void => setDraft({ ...draft, ...part })
  const badAet = draft.aet !== '' && !AET.test(draft.aet)
  const ready = draft.aet !== '' && !badAet && draft.host.trim() !== ''
  return (
    <SidePane
      title={device === null ? t('device.add') : device.aet}
      onClose={onClose}
      footer={
        mayManage && (
          <>
            <Button type="submit" form="device" variant="filled" disabled={!ready} loading={save.isPending}>
              {t('action.save')}
            </Button>
            {device !== null && (
              <Confirm
                question={t('device.delete_question', { aet: device.aet })}
                confirm={t('action.delete')}
                busy={remove.isPending}
                onConfirm={() => remove.mutate(device.id, { ...told(t('device.deleted')), onSettled: onClose })}
              >
                {t('action.delete')}
              </Confirm>
            )}
          </>
        )
      }
    >
      {device !== null && (
        <>
          <Facts
            items={[
              [t('device.last_seen'), device.last_seen_at === null ? t('device.never') : `${format.relative(device.last_seen_at)} · ${format.instant(device.last_seen_at)}`],
              [t('device.stored'), format.count(device.stored_count)],
            ]}
          />
          {device.problems.map((problem) => (
            <div key={problem}>
              <State tone="warning">{problem}</State>
            </div>
          ))}
          <div className={css['gap']}>
            <Echo echo={() => echoDevice(device.id)} />
          </div>
        </>
      )}
      <form
        id="device"
        className={`${css['form'] ?? ''} ${device === null ? '' : (css['gap'] ?? '')}`}
        onSubmit={(event) => {
          event.preventDefault()
          if (ready) save.mutate({ id: device?.id ?? null, draft }, { onSuccess: onClose })
        }}
      >
        <TextInput
          label={t('device.aet')}
          description={t('device.aet_hint')}
          required
          autoFocus={device === null}
          maxLength={16}
          value={draft.aet}
          error={badAet ? t('device.aet_wrong') : undefined}
          onChange={(event) => change({ aet: event.currentTarget.value })}
        />
        <div className={css['pair']}>
          <TextInput label={t('device.host')} required maxLength={253} value={draft.host} onChange={(event) => change({ host: event.currentTarget.value })} />
          <NumberInput
            label={t('device.port')}
            min={1}
            max={65535}
            allowDecimal={false}
            hideControls
            value={draft.port ?? ''}
            onChange={(value) => change({ port: typeof value === 'number' ? value : null })}
          />
        </div>
        <TextInput label={t('device.description')} maxLength={200} value={draft.description} onChange={(event) => change({ description: event.currentTarget.value })} />
        <TextInput
          label={t('device.issuer')}
          description={t('device.issuer_hint')}
          maxLength={64}
          value={draft.default_issuer}
          onChange={(event) => change({ default_issuer: event.currentTarget.value })}
        />
        <Checkbox
          label={t('device.pin')}
          description={t('device.pin_hint')}
          checked={draft.pinned}
          onChange={(event) => change({ pinned: event.currentTarget.checked })}
        />
        <ServiceBoxes value={draft.allow} onChange={(allow) => change({ allow })} />
        {save.isError && (
          <p className={css['trouble']} role="alert">
            {save.error.message}
          </p>
        )}
      </form>
      {device !== null && <DeviceCertificates deviceId={device.id} />}
    </SidePane>
  )
}

function pick(device: Device): DeviceDraft {
  const { aet, host, port, description, allow, pinned, default_issuer } = device
  return { aet, host, port, description, allow, pinned, default_issuer }
}
