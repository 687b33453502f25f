import { ActionIcon, Menu } from '@mantine/core'
import {
  IconAngle,
  IconArrowsCross,
  IconArrowsMaximize,
  IconArrowsMove,
  IconCircle,
  IconContrast,
  IconContrast2,
  IconDots,
  IconFlipHorizontal,
  IconFlipVertical,
  IconKeyboard,
  IconLayoutSidebar,
  IconLayoutSidebarRight,
  IconLineDashed,
  IconLink,
  IconAdjustments,
  IconOvalVertical,
  IconPlayerPlay,
  IconRectangle,
  IconRelationOneToOne,
  IconRestore,
  IconRotate2,
  IconRotateClockwise2,
  IconRulerMeasure,
  IconStar,
  IconTextCaption,
  IconArrowAutofitHeight,
  IconZoomIn,
  type Icon,
} from '@tabler/icons-react'
import { type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Tip } from '@/kit/Tip'
import { useActiveViewport, useDesk, useViewportValue, useWorkspace } from '../state/context'
import { presetsFor, type VoiChoice } from '../viewport/presets'
import { type MarkTool, type ToolName } from '../viewport/types'
import { useUnit } from '../panes/Corners'
import { nextOverlay, toggleKey } from './commands'
import { HangingMenu } from './HangingMenu'
import { Layouts } from './Layouts'
import css from './Toolbar.module.css'
import { ScreensButton } from './Screens'
import { ToolButton } from './ToolButton'
import { usePresetName } from './usePresetName'

const TOOLS: readonly (readonly [ToolName, Icon, string])[] = [
  ['window', IconContrast, 'W'],
  ['zoom', IconZoomIn, 'Z'],
  ['pan', IconArrowsMove, 'P'],
  ['scroll', IconArrowAutofitHeight, 'S'],
  ['length', IconRulerMeasure, 'D'],
  ['angle', IconAngle, 'A'],
]

const MORE: readonly (readonly [MarkTool, Icon, string])[] = [
  ['bidirectional', IconArrowsCross, 'B'],
  ['ellipse', IconOvalVertical, 'E'],
  ['circle', IconCircle, ''],
  ['rectangle', IconRectangle, ''],
  ['cobb', IconAngle, ''],
]

/** Tools that are used less often; the one in use stands on the button. */
function MoreTools() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const tool = useDesk((state) => state.tool)
  const viewport = useActiveViewport()
  const chosen = MORE.find(([name]) => name === tool)
  const Shape = chosen?.[1] ?? IconDots
  return (
    <Menu position="bottom-start" offset={4}>
      <Menu.Target>
        <Tip label={t('tool.more')}>
          <ActionIcon variant="subtle" size={32} className={css['button'] ?? ''} aria-label={t('tool.more')} data-pressed={chosen !== undefined}>
            <Shape size={18} stroke={1.6} />
          </ActionIcon>
        </Tip>
      </Menu.Target>
      <Menu.Dropdown>
        {MORE.map(([name, Sign, key]) => (
          <Menu.Item key={name} leftSection={<Sign size={16} stroke={1.6} />} rightSection={key === '' ? null : <kbd>{key}</kbd>} onClick={() => workspace.pickTool(name)}>
            {t(`tool.${name}`)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconStar size={16} stroke={1.6} />} rightSection={<kbd>K</kbd>} onClick={() => toggleKey(viewport, workspace)}>
          {t('marks.toggleKey')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function Tools() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const tool = useDesk((state) => state.tool)
  return (
    <div className={css['group']} role="group" aria-label={t('tool.group')}>
      {TOOLS.map(([name, icon, key]) => (
        <ToolButton key={name} icon={icon} label={t(`tool.${name}`)} hint={key} pressed={tool === name} onClick={() => workspace.pickTool(name)} />
      ))}
      <MoreTools />
    </div>
  )
}

/** Made when the menu opens: what it offers depends on the picture of that moment. */
function PresetItems() {
  const { t } = useTranslation('viewer')
  const viewport = useActiveViewport()
  const picture = useViewportValue(viewport, (state) => state.picture)
  const unit = useUnit(picture)
  const nameOf = usePresetName(picture)
  if (picture === undefined || picture.colour) return <Menu.Label>{t('preset.none')}</Menu.Label>
  const own = picture.headerVois.map((_, index): VoiChoice => ({ kind: 'header', index }))
  return (
    <>
      {presetsFor(picture, unit).map((choice, index) => (
        <Menu.Item key={index} rightSection={index < 9 ? <kbd>{index + 1}</kbd> : null} onClick={() => viewport?.choose(choice)}>
          {nameOf(choice)}
        </Menu.Item>
      ))}
      {unit === 'HU' && own.length > 0 && <Menu.Divider />}
      {unit === 'HU' &&
        own.map((choice, index) => (
          <Menu.Item key={index} rightSection={index === 0 ? <kbd>0</kbd> : null} onClick={() => viewport?.choose(choice)}>
            {nameOf(choice)}
          </Menu.Item>
        ))}
    </>
  )
}

function Presets() {
  const { t } = useTranslation('viewer')
  return (
    <Menu position="bottom-start" offset={4}>
      <Menu.Target>
        <Tip label={t('action.presets')}>
          <ActionIcon variant="subtle" size={32} className={css['button'] ?? ''} aria-label={t('action.presets')}>
            <IconAdjustments size={18} stroke={1.6} />
          </ActionIcon>
        </Tip>
      </Menu.Target>
      <Menu.Dropdown>
        <PresetItems />
      </Menu.Dropdown>
    </Menu>
  )
}

function Manipulate() {
  const { t } = useTranslation('viewer')
  const viewport = useActiveViewport()
  const off = useViewportValue(viewport, (state) => state.picture === undefined)
  const inverted = useViewportValue(viewport, (state) => state.inverted)
  const playing = useViewportValue(viewport, (state) => state.playing)
  const frames = useViewportValue(viewport, (state) => state.stack?.frames.length ?? 0)
  return (
    <div className={css['group']}>
      <Presets />
      <ToolButton icon={IconContrast2} label={t('action.invert')} hint="I" pressed={inverted} disabled={off} onClick={() => viewport?.invert()} />
      <ToolButton icon={IconRotateClockwise2} label={t('action.rotateRight')} hint="R" disabled={off} onClick={() => viewport?.rotateBy(90)} />
      <ToolButton icon={IconRotate2} label={t('action.rotateLeft')} hint="L" disabled={off} onClick={() => viewport?.rotateBy(-90)} />
      <ToolButton icon={IconFlipVertical} label={t('action.flipHorizontal')} hint="H" disabled={off} onClick={() => viewport?.flip('horizontal')} />
      <ToolButton icon={IconFlipHorizontal} label={t('action.flipVertical')} hint="V" disabled={off} onClick={() => viewport?.flip('vertical')} />
      <ToolButton icon={IconArrowsMaximize} label={t('action.fit')} hint="=" disabled={off} onClick={() => viewport?.fit()} />
      <ToolButton icon={IconRelationOneToOne} label={t('action.oneToOne')} hint="U" disabled={off} onClick={() => viewport?.oneToOne()} />
      <ToolButton icon={IconRestore} label={t('action.reset')} hint="Space" disabled={off} onClick={() => viewport?.reset()} />
      <ToolButton icon={IconPlayerPlay} label={t('action.cine')} hint="C" pressed={playing} disabled={off || frames < 2} onClick={() => viewport?.play(!playing)} />
    </div>
  )
}

function Desk() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const linked = useDesk((state) => state.linked)
  const referenceLines = useDesk((state) => state.referenceLines)
  const overlay = useDesk((state) => state.overlay)
  return (
    <div className={css['group']}>
      <Layouts />
      <HangingMenu />
      <ToolButton icon={IconLink} label={t('action.link')} hint="G" pressed={linked} onClick={() => workspace.set({ linked: !linked })} />
      <ToolButton icon={IconLineDashed} label={t('action.referenceLines')} hint="Y" pressed={referenceLines} onClick={() => workspace.set({ referenceLines: !referenceLines })} />
      <ToolButton icon={IconTextCaption} label={t('action.overlay')} hint="O" pressed={overlay !== 'none'} onClick={() => workspace.set({ overlay: nextOverlay(overlay) })} />
    </div>
  )
}

function Sides() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const thumbnails = useDesk((state) => state.thumbnails)
  const panel = useDesk((state) => state.panel)
  return (
    <div className={`${css['group'] ?? ''} ${css['end'] ?? ''}`}>
      <ScreensButton />
      <ToolButton icon={IconKeyboard} label={t('action.keys')} hint="?" onClick={() => workspace.set({ keysShown: true })} />
      <ToolButton icon={IconLayoutSidebar} label={t('action.thumbnails')} hint="Shift+S" pressed={thumbnails} onClick={() => workspace.set({ thumbnails: !thumbnails })} />
      <ToolButton
        icon={IconLayoutSidebarRight}
        label={t('action.panel')}
        hint="Shift+P"
        pressed={panel !== 'none'}
        onClick={() => workspace.set({ panel: panel === 'none' ? 'priors' : 'none' })}
      />
    </div>
  )
}

/** One row of tools, most used first; every one has a name, a key and a pressed state. */
export function Toolbar({ children }: { children?: ReactNode }) {
  const { t } = useTranslation('viewer')
  return (
    <div className={css['toolbar']} role="toolbar" aria-label={t('action.toolbar')}>
      <Tools />
      <Manipulate />
      <Desk />
      {children}
      <Sides />
    </div>
  )
}
