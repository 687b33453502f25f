import { useTranslation } from 'react-i18next'
import { NavLink } from 'react-router'
import { useSession } from '@/api/access'
import { Logo } from '@/kit/Logo'
import { Tip } from '@/kit/Tip'
import { PAGES } from './pages'
import css from './Rail.module.css'

/** The pages that this person may use. */
export function Rail() {
  const { t } = useTranslation()
  const { permissions } = useSession()
  const pages = PAGES.filter((page) => permissions.includes(page.needs))
  return (
    <nav className={css['rail']} aria-label={t('shell.pages')}>
      <div className={css['logo']}>
        <Logo size={22} />
      </div>
      {pages.map((page, index) => {
        const Icon = page.icon
        const first = index > 0 && pages[index - 1]?.group !== page.group
        return (
          <Tip key={page.id} label={t(`page.${page.id}`)} side="right">
            <NavLink
              to={page.path}
              end={page.path === '/'}
              className={css['item'] ?? ''}
              data-first={first || undefined}
              aria-label={t(`page.${page.id}`)}
            >
              <Icon size={20} stroke={1.6} aria-hidden />
            </NavLink>
          </Tip>
        )
      })}
    </nav>
  )
}
