import { ActionIcon, Menu } from '@mantine/core'
import { IconCheck, IconColumns3 } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Tip } from '../Tip'
import { usePreference } from '../preferences'
import { type Column, isShown, PLAIN, withShown } from './columns'
import { type Density } from './Table'
import css from './Table.module.css'

/** Which columns, how dense: kept for this person. */
export function TableSettings<T>({ name, columns }: { name: string; columns: readonly Column<T>[] }) {
  const { t } = useTranslation()
  const [arrangement, arrange] = usePreference(`table.${name}`, PLAIN)
  const [density, setDensity] = usePreference<Density>('density', 'roomy')
  const tick = (on: boolean) => <IconCheck size={14} className={css['tick']} data-on={on || undefined} aria-hidden />
  return (
    <Menu closeOnItemClick={false} position="bottom-end">
      <Menu.Target>
        <Tip label={t('table.columns')}>
          <ActionIcon className={css['settings'] ?? ''} aria-label={t('table.columns')}>
            <IconColumns3 size={16} />
          </ActionIcon>
        </Tip>
      </Menu.Target>
      <Menu.Dropdown className={css['menu']}>
        <Menu.Label>{t('table.columns')}</Menu.Label>
        {columns
          .filter((column) => column.fixed !== true)
          .map((column) => {
            const on = isShown(column, arrangement)
            return (
              <Menu.Item
                key={column.id}
                role="menuitemcheckbox"
                aria-checked={on}
                leftSection={tick(on)}
                onClick={() => arrange(withShown(arrangement, column.id, !on))}
              >
                {column.title}
              </Menu.Item>
            )
          })}
        <Menu.Divider />
        <Menu.Item
          role="menuitemcheckbox"
          aria-checked={density === 'dense'}
          leftSection={tick(density === 'dense')}
          onClick={() => setDensity(density === 'dense' ? 'roomy' : 'dense')}
        >
          {t('table.dense')}
        </Menu.Item>
        <Menu.Item leftSection={tick(false)} onClick={() => arrange(PLAIN)}>
          {t('table.reset')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
