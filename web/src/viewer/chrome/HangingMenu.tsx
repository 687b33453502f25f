import { Menu } from '@mantine/core'
import { IconChevronDown, IconDeviceFloppy, IconDeviceTv, IconHelp, IconRestore, IconSettings } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { Tip } from '@/kit/Tip'
import { useDesk, useWorkspace } from '../state/context'
import { type Workspace } from '../state/workspace'
import css from './HangingMenu.module.css'
import { useHangingName } from './useHangingName'

const MOST_OTHERS = 12

function Stages({ workspace }: { workspace: Workspace }) {
  const { t } = useTranslation('viewer')
  const { stageName } = useHangingName()
  const hanging = useDesk((state) => state.hanging)
  if (hanging === undefined || hanging.stages.length < 2) return null
  return (
    <>
      <Menu.Label>{t('hanging.stages')}</Menu.Label>
      {hanging.stages.map((number, at) => (
        <Menu.Item
          key={number}
          aria-current={number === hanging.stage}
          rightSection={number === hanging.stage ? '✓' : at === hanging.stages.indexOf(hanging.stage) + 1 ? <kbd>.</kbd> : null}
          onClick={() => void workspace.hanger.goTo(number)}
        >
          {stageName(hanging.protocol, number)}
        </Menu.Item>
      ))}
    </>
  )
}

function Others({ workspace }: { workspace: Workspace }) {
  const { t } = useTranslation('viewer')
  const { protocolName } = useHangingName()
  const hanging = useDesk((state) => state.hanging)
  const fits = hanging?.fits.filter((fit) => fit.fits).slice(0, MOST_OTHERS) ?? []
  if (fits.length < 2) return null
  return (
    <>
      <Menu.Label>{t('hanging.protocols')}</Menu.Label>
      {fits.map(({ protocol }) => (
        <Menu.Item key={protocol.id} rightSection={protocol.id === hanging?.protocol.id ? '✓' : null} onClick={() => void workspace.hanger.choose(protocol.id)}>
          {protocolName(protocol)}
        </Menu.Item>
      ))}
    </>
  )
}

/** By which protocol the study hangs, its stages, the others that would fit, and why it hangs so. */
export function HangingMenu() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const { protocolName, stageName } = useHangingName()
  const hanging = useDesk((state) => state.hanging)
  if (hanging === undefined) return null
  const { protocol, stage, stages, changed } = hanging
  const which = `${protocolName(protocol)} · ${stageName(protocol, stage)}`
  return (
    <Menu position="bottom-start" offset={4} width={260}>
      <Menu.Target>
        <Tip label={t('hanging.menu')}>
          <button type="button" className={css['target']} aria-label={t('hanging.menuOf', { name: which })} data-changed={changed}>
            <IconDeviceTv size={18} stroke={1.6} aria-hidden />
            <span className={css['name']}>{protocolName(protocol)}</span>
            {stages.length > 1 && (
              <span className={css['stage']} dir="ltr">
                {stages.indexOf(stage) + 1}/{stages.length}
              </span>
            )}
            {changed && <span aria-hidden>*</span>}
            <IconChevronDown size={14} aria-hidden />
          </button>
        </Tip>
      </Menu.Target>
      <Menu.Dropdown>
        <Stages workspace={workspace} />
        <Others workspace={workspace} />
        <Menu.Divider />
        <Menu.Item leftSection={<IconRestore size={16} />} disabled={!changed} onClick={() => void workspace.hanger.reset()}>
          {t('hanging.reset')}
        </Menu.Item>
        <Menu.Item leftSection={<IconHelp size={16} />} onClick={() => workspace.set({ sheet: 'explain' })}>
          {t('hanging.explain')}
        </Menu.Item>
        <Menu.Item leftSection={<IconDeviceFloppy size={16} />} onClick={() => workspace.set({ sheet: 'save' })}>
          {t('hanging.save')}
        </Menu.Item>
        <Menu.Item leftSection={<IconSettings size={16} />} component={Link} to="/hanging">
          {t('hanging.studio')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
