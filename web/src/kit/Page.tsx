import { ActionIcon } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { type ReactNode, useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { TopBar } from './TopBarSlot'
import css from './Page.module.css'

interface PageProps {
  title: string
  /** One line under the title that says what the page is for. */
  lead?: string
  actions?: ReactNode
  toolbar?: ReactNode
  side?: ReactNode
  children: ReactNode
}

/** The frame of every page: title in the top bar, one row of tools, the content, a pane beside it. */
export function Page({ title, lead, actions, toolbar, side, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Heliograph`
  }, [title])
  return (
    <main className={css['page']}>
      <TopBar>
        <h1 className={css['title']}>{title}</h1>
      </TopBar>
      {(lead !== undefined || actions !== undefined) && (
        <div className={css['head']}>
          <p className={css['lead']}>{lead}</p>
          <div className={css['actions']}>{actions}</div>
        </div>
      )}
      {toolbar !== undefined && <div className={css['toolbar']}>{toolbar}</div>}
      <div className={css['body']}>
        <div className={css['content']}>{children}</div>
        {side}
      </div>
    </main>
  )
}

/** A pane at the end of the page: details or a form, never over the list except on a phone. */
export function SidePane({
  title,
  onClose,
  children,
  footer,
}: {
  title: ReactNode
  onClose: () => void
  children: ReactNode
  footer?: ReactNode
}) {
  const { t } = useTranslation()
  return (
    <aside
      className={css['pane']}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.defaultPrevented) return
        event.preventDefault()
        onClose()
      }}
    >
      <header className={css['paneHead']}>
        <h2 className={css['paneTitle']}>{title}</h2>
        <ActionIcon aria-label={t('action.close')} onClick={onClose}>
          <IconX size={16} />
        </ActionIcon>
      </header>
      <div className={css['paneBody']} tabIndex={-1}>
        {children}
      </div>
      {footer !== undefined && <footer className={css['paneFoot']}>{footer}</footer>}
    </aside>
  )
}

/** A heading with lines under it, for pages that are read and not scrolled through. */
export function Section({ title, actions, children }: { title: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className={css['section']}>
      <header className={css['sectionHead']}>
        <h2>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  )
}

/** Pairs of a word and its value, aligned. */
export function Facts({ items }: { items: readonly (readonly [label: string, value: ReactNode])[] }) {
  return (
    <dl className={css['facts']}>
      {items
        .filter(([, value]) => value !== '' && value !== null && value !== undefined)
        .map(([label, value]) => (
          <div key={label} className={css['fact']}>
            <dt>{label}</dt>
            <dd>{typeof value === 'string' ? <bdi>{value}</bdi> : value}</dd>
          </div>
        ))}
    </dl>
  )
}
