import { ActionIcon, Button, Popover, Select, TextInput, UnstyledButton } from '@mantine/core'
import { IconAdjustmentsHorizontal, IconSearch, IconX } from '@tabler/icons-react'
import { type KeyboardEvent, memo, type RefObject, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { formatDicomDate, readTypedDate } from '@/kit/format/dicomdate'
import { Tip } from '@/kit/Tip'
import { DATE_PRESETS, type DatePreset, NO_FILTERS, STATES, useFilters } from './filters'
import css from './Worklist.module.css'

/** Modalities that a hospital meets every day; the rest is behind one button. */
const USUAL = ['CT', 'MR', 'CR', 'DX', 'US', 'MG', 'PT', 'NM', 'XA'] as const
const OTHERS = ['BI', 'BMD', 'DOC', 'ECG', 'ES', 'GM', 'IO', 'IVUS', 'KO', 'OCT', 'OP', 'OPT', 'OT', 'PR', 'PX', 'REG', 'RF', 'RTDOSE', 'RTIMAGE', 'RTPLAN', 'RTSTRUCT', 'SC', 'SEG', 'SM', 'SR', 'TG', 'XC'] as const

interface FilterBarProps {
  search: RefObject<HTMLInputElement | null>
  onLeaveSearch: (first: boolean) => void
}

/** Moving through the list does not draw the tools again. */
export const FilterBar = memo(function FilterBar({ search, onLeaveSearch }: FilterBarProps) {
  const { t } = useTranslation()
  const filters = useFilters((state) => state.filters)
  const set = useFilters((state) => state.set)
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.preventDefault()
      if (filters.text !== '') set({ text: '' })
      onLeaveSearch(false)
    }
    if (event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault()
      onLeaveSearch(true)
    }
  }
  return (
    <>
      <TextInput
        ref={search}
        className={css['search']}
        aria-label={t('filter.search')}
        placeholder={t('filter.search')}
        leftSection={<IconSearch size={14} />}
        rightSection={
          filters.text !== '' && (
            <ActionIcon size={22} aria-label={t('filter.clear_search')} onClick={() => set({ text: '' })}>
              <IconX size={13} />
            </ActionIcon>
          )
        }
        type="text"
        inputMode="search"
        autoComplete="off"
        spellCheck={false}
        maxLength={128}
        value={filters.text}
        onChange={(event) => set({ text: event.currentTarget.value })}
        onKeyDown={onKeyDown}
      />
      <Modalities />
      <DateSelect />
      <Select
        className={css['select']}
        aria-label={t('filter.state')}
        allowDeselect={false}
        data={STATES.map((value) => ({ value, label: t(`filter.state_${value === '' ? 'any' : value}`) }))}
        value={filters.state}
        onChange={(value) => set({ state: value ?? '' })}
      />
      <Fields />
    </>
  )
})

function Chip({ on, label, onToggle }: { on: boolean; label: string; onToggle: () => void }) {
  return (
    <UnstyledButton className={css['chip']} aria-pressed={on} onClick={onToggle}>
      {label}
    </UnstyledButton>
  )
}

function Modalities() {
  const { t } = useTranslation()
  const filters = useFilters((state) => state.filters)
  const set = useFilters((state) => state.set)
  const toggle = (modality: string): void =>
    set({
      modalities: filters.modalities.includes(modality)
        ? filters.modalities.filter((item) => item !== modality)
        : [...filters.modalities, modality],
    })
  const rare = filters.modalities.filter((item) => !(USUAL as readonly string[]).includes(item))
  return (
    <div className={css['chips']} role="group" aria-label={t('filter.modality')}>
      {[...USUAL, ...rare].map((modality) => (
        <Chip key={modality} label={modality} on={filters.modalities.includes(modality)} onToggle={() => toggle(modality)} />
      ))}
      <Popover position="bottom-start" width={320}>
        <Popover.Target>
          <UnstyledButton className={css['chip']} aria-label={t('filter.more_modalities')}>
            …
          </UnstyledButton>
        </Popover.Target>
        <Popover.Dropdown>
          <div className={css['allChips']}>
            {OTHERS.map((modality) => (
              <Chip key={modality} label={modality} on={filters.modalities.includes(modality)} onToggle={() => toggle(modality)} />
            ))}
          </div>
        </Popover.Dropdown>
      </Popover>
    </div>
  )
}

function DateSelect() {
  const { t } = useTranslation()
  const filters = useFilters((state) => state.filters)
  const set = useFilters((state) => state.set)
  const label = (preset: DatePreset): string => {
    if (preset !== 'custom') return t(`filter.date_${preset}`)
    if (filters.date !== 'custom') return t('filter.date_custom')
    if (filters.to === '') return filters.from === '' ? t('filter.date_custom') : `≥ ${formatDicomDate(filters.from)}`
    if (filters.from === '') return `≤ ${formatDicomDate(filters.to)}`
    return `${formatDicomDate(filters.from)} – ${formatDicomDate(filters.to)}`
  }
  return (
    <Popover opened={filters.date === 'custom' && filters.from === '' && filters.to === ''} position="bottom-start" trapFocus closeOnClickOutside={false}>
      <Popover.Target>
        <Select
          className={css['select']}
          data-wide={(filters.from !== '' && filters.to !== '') || undefined}
          aria-label={t('filter.date')}
          allowDeselect={false}
          data={DATE_PRESETS.map((value) => ({ value, label: label(value) }))}
          value={filters.date}
          onChange={(value) => set({ date: value ?? 'any', from: '', to: '' })}
        />
      </Popover.Target>
      <Popover.Dropdown>
        <DateRange />
      </Popover.Dropdown>
    </Popover>
  )
}

function DateRange() {
  const { t } = useTranslation()
  const { set } = useFilters()
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const wrong = (text: string): string | undefined => (text.trim() !== '' && readTypedDate(text) === null ? t('filter.date_wrong') : undefined)
  const ready = wrong(from) === undefined && wrong(to) === undefined && (from + to).trim() !== ''
  return (
    <form
      className={css['fields']}
      onSubmit={(event) => {
        event.preventDefault()
        if (ready) set({ date: 'custom', from: readTypedDate(from) ?? '', to: readTypedDate(to) ?? '' })
      }}
    >
      <TextInput data-autofocus label={t('filter.from')} placeholder="2026-11-22" value={from} error={wrong(from)} onChange={(event) => setFrom(event.currentTarget.value)} />
      <TextInput label={t('filter.to')} placeholder="2026-11-22" value={to} error={wrong(to)} onChange={(event) => setTo(event.currentTarget.value)} />
      <div className={css['row']}>
        <Button type="submit" variant="filled" disabled={!ready}>
          {t('filter.apply')}
        </Button>
        <Button onClick={() => set({ date: 'any' })}>{t('action.cancel')}</Button>
      </div>
    </form>
  )
}

const FIELDS = [
  ['patientName', 'column.patient'],
  ['patientId', 'column.id'],
  ['accessionNumber', 'column.accession'],
] as const

/** Search in one field each, for when one box finds too much. */
function Fields() {
  const { t } = useTranslation()
  const filters = useFilters((state) => state.filters)
  const set = useFilters((state) => state.set)
  const used = FIELDS.filter(([key]) => filters[key] !== '')
  return (
    <>
      <Popover position="bottom-start" width={280} trapFocus>
        <Popover.Target>
          <Tip label={t('filter.fields')}>
            <ActionIcon aria-label={t('filter.fields')} data-active={used.length > 0 || undefined}>
              <IconAdjustmentsHorizontal size={16} />
            </ActionIcon>
          </Tip>
        </Popover.Target>
        <Popover.Dropdown>
          <div className={css['fields']}>
            {FIELDS.map(([key, label], index) => (
              <TextInput
                key={key}
                {...(index === 0 ? { 'data-autofocus': true } : {})}
                label={t(label)}
                value={filters[key]}
                maxLength={128}
                autoComplete="off"
                onChange={(event) => set({ [key]: event.currentTarget.value })}
              />
            ))}
            <p className={css['quiet']}>{t('filter.fields_hint')}</p>
          </div>
        </Popover.Dropdown>
      </Popover>
      {used.map(([key, label]) => (
        <span key={key} className={css['used']}>
          {t(label)}: <bdi>{filters[key]}</bdi>
          <ActionIcon size={20} aria-label={t('filter.remove', { field: t(label) })} onClick={() => set({ [key]: '' })}>
            <IconX size={12} />
          </ActionIcon>
        </span>
      ))}
    </>
  )
}

/** Takes every filter away and keeps the order of the list. */
export function clearFilters(): void {
  const { filters, set } = useFilters.getState()
  set({ ...NO_FILTERS, sort: filters.sort })
}
