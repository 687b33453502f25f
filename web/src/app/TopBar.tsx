import { UnstyledButton } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { TopBarSlot } from '@/kit/TopBarSlot'
import { usePalette } from './paletteStore'
import { StatusDots } from './StatusDots'
import { ThemeToggle } from './ThemeToggle'
import { UserMenu } from './UserMenu'
import css from './TopBar.module.css'

export function TopBar() {
  const { t } = useTranslation()
  return (
    <header className={css['bar']}>
      <TopBarSlot className={css['slot']} />
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
