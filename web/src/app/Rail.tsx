import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { NavLink, useLocation } from 'react-router'
import { useMay, useSession } from '@/api/access'
import { useGlassWaiting } from '@/api/trust'
import { Logo } from '@/kit/Logo'
import { Tip } from '@/kit/Tip'
import { PAGES } from './pages'
import css from './Rail.module.css'

/** The pages that this person may use. */
export function Rail() {
  const { t } = useTranslation()
  const { t: words } = useTranslation('access')
  const { permissions } = useSession()
  const waiting = useGlassWaiting(useMay('glass.review')).data?.count ?? 0
  const nav = useRef<HTMLElement>(null)
  const { pathname } = useLocation()
  // On a narrow screen the rail is longer than the screen.
  useEffect(() => {
    nav.current?.querySelector('[aria-current=page]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [pathname])
  const pages = PAGES.filter((page) => permissions.includes(page.needs))
  return (
    <nav ref={nav} className={css['rail']} aria-label={t('shell.pages')}>
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
              {page.id === 'glass' && waiting > 0 && (
                <span className={css['badge']} aria-label={words('glass.badge', { n: waiting })}>
                  {waiting > 99 ? '99+' : waiting}
                </span>
              )}
            </NavLink>
          </Tip>
        )
      })}
    </nav>
  )
}
