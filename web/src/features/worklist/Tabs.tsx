import { ActionIcon, Button, Popover, TextInput, UnstyledButton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconBookmarkPlus, IconX } from '@tabler/icons-react'
import { memo, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLive } from '@/api/live'
import { searchStudies } from '@/api/studies'
import { getSiteZone } from '@/kit/format/instant'
import { useFormat } from '@/kit/format/useFormat'
import { usePreference } from '@/kit/preferences'
import { Tip } from '@/kit/Tip'
import { buildQuery, type Filters, fromSaved, matchesSaved, savable, type SavedFilter, TABS, useFilters } from './filters'
import css from './Worklist.module.css'

const NONE: SavedFilter[] = []
const COUNT_MS = 30_000

function useCount(saved: SavedFilter): string {
  const format = useFormat()
  const query = buildQuery(fromSaved(saved), new Date(), getSiteZone())
  const arrivals = useLive((state) => state.arrivals)
  const result = useQuery({
    queryKey: ['studies', 'count', query],
    queryFn: ({ signal }) => searchStudies({ ...query, limit: 1 }, signal),
    staleTime: COUNT_MS,
  })
  const { refetch } = result
  useEffect(() => {
    if (arrivals === 0) return
    const timer = setTimeout(() => void refetch(), 2000)
    return () => clearTimeout(timer)
  }, [arrivals, refetch])
  if (result.data === undefined) return ''
  return `${result.data.count_is_exact ? '' : '≈ '}${format.count(result.data.count)}`
}

function Tab({ saved, name, on, onForget }: { saved: SavedFilter; name: string; on: boolean; onForget?: () => void }) {
  const { t } = useTranslation()
  const set = useFilters((state) => state.set)
  const count = useCount(saved)
  return (
    <span className={css['tab']} data-on={on || undefined}>
      <UnstyledButton
        className={css['tabButton']}
        aria-pressed={on}
        onClick={() => {
          const { text: _text, sort: _sort, ...rest } = fromSaved(saved)
          set(rest satisfies Partial<Filters>)
        }}
      >
        {name} <span className={css['quiet']}>{count}</span>
      </UnstyledButton>
      {onForget !== undefined && on && (
        <ActionIcon size={20} aria-label={t('filter.forget', { name })} onClick={onForget}>
          <IconX size={12} />
        </ActionIcon>
      )}
    </span>
  )
}

/** Filters that everybody has and those that this person kept, each with its count. */
export const Tabs = memo(function Tabs() {
  const { t } = useTranslation()
  const filters = useFilters((state) => state.filters)
  const [saved, setSaved] = usePreference<SavedFilter[]>('filters', NONE)
  const [name, setName] = useState('')
  const [open, setOpen] = useState(false)
  const known = [...TABS, ...saved].some((tab) => matchesSaved(filters, tab))
  const keep = (): void => {
    const { date, modalities, state } = filters
    if (name.trim() === '' || date === 'custom') return
    setSaved([...saved, { id: String(Date.now()), name: name.trim().slice(0, 40), date, modalities, state }])
    setName('')
    setOpen(false)
  }
  return (
    <div className={css['tabs']} role="group" aria-label={t('filter.saved')}>
      {TABS.map((tab) => (
        <Tab key={tab.id} saved={tab} name={t(`tab.${tab.id as 'all' | 'today' | 'receiving' | 'held'}`)} on={matchesSaved(filters, tab)} />
      ))}
      {saved.map((tab) => (
        <Tab
          key={tab.id}
          saved={tab}
          name={tab.name}
          on={matchesSaved(filters, tab)}
          onForget={() => setSaved(saved.filter((item) => item.id !== tab.id))}
        />
      ))}
      {!known && savable(filters) && (
        <Popover opened={open} onChange={setOpen} position="bottom-start" trapFocus>
          <Popover.Target>
            <Tip label={t('filter.keep')}>
              <ActionIcon aria-label={t('filter.keep')} onClick={() => setOpen(!open)}>
                <IconBookmarkPlus size={16} />
              </ActionIcon>
            </Tip>
          </Popover.Target>
          <Popover.Dropdown>
            <form
              className={css['fields']}
              onSubmit={(event) => {
                event.preventDefault()
                keep()
              }}
            >
              <TextInput data-autofocus label={t('filter.keep_as')} value={name} maxLength={40} onChange={(event) => setName(event.currentTarget.value)} />
              <Button type="submit" variant="filled" disabled={name.trim() === ''}>
                {t('filter.keep')}
              </Button>
            </form>
          </Popover.Dropdown>
        </Popover>
      )}
    </div>
  )
})
