import { UnstyledButton } from '@mantine/core'
import { IconPlugConnectedX, IconSearch } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useLive } from '@/api/live'
import { Tip } from '@/kit/Tip'
import { TopBarSlot } from '@/kit/TopBarSlot'
import { usePalette } from './paletteStore'
import { StatusDots } from './StatusDots'
import { ThemeToggle } from './ThemeToggle'
import { UserMenu } from './UserMenu'
import css from './TopBar.module.css'

/** Said in words on every page, the viewer too: what is on the screen may be old, and nobody has to do anything. */
function LinkLost() {
  const { t } = useTranslation()
  const lost = useLive((state) => state.link === 'lost')
  return (
    <div role="status">
      {lost && (
        <Tip label={t('status.link_lost')} side="bottom">
          <span className={css['lost']} data-testid="link-lost">
            <IconPlugConnectedX size={14} aria-hidden />
            {t('offline.chip')}
          </span>
        </Tip>
      )}
    </div>
  )
}

export function TopBar() {
  const { t } = useTranslation()
  return (
    <header className={css['bar']}>
      <TopBarSlot className={css['slot']} />
      <LinkLost />
      <UnstyledButton className={css['search']} onClick={() => usePalette.setState({ open: true })} aria-keyshortcuts="Control+K">
        <IconSearch size={14} aria-hidden />
        <span className={css['word']}>{t('palette.open')}</span>
        <kbd className={css['key']} aria-hidden>Ctrl K</kbd>
      </UnstyledButton>
      <StatusDots />
      <ThemeToggle />
      <UserMenu />
    </header>
  )
}
