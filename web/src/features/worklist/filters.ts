import { create } from 'zustand'
import { type PatientSummary, type StudyQuery, type StudySort } from '@/api/types'
import { dicomDay } from '@/kit/format/dicomdate'
import { type Sort } from '@/kit/table/columns'

export const DATE_PRESETS = ['any', 'today', 'yesterday', 'week', 'month', 'custom'] as const
export type DatePreset = (typeof DATE_PRESETS)[number]

export const STATES = ['', 'receiving', 'settled', 'held'] as const
export type StateFilter = (typeof STATES)[number]

export interface Filters {
  text: string
  patientName: string
  patientId: string
  accessionNumber: string
  modalities: string[]
  date: DatePreset
  /** DICOM dates, used when `date` is `custom`. */
  from: string
  to: string
  state: StateFilter
  sort: Sort
}

export const NO_FILTERS: Filters = {
  text: '',
  patientName: '',
  patientId: '',
  accessionNumber: '',
  modalities: [],
  date: 'any',
  from: '',
  to: '',
  state: '',
  sort: { key: 'received_at', descending: true },
}

const PRESET_DAYS: Record<Exclude<DatePreset, 'any' | 'custom'>, readonly [from: number, to: number]> = {
  today: [0, 0],
  yesterday: [-1, -1],
  week: [-6, 0],
  month: [-29, 0],
}

export function dateRange(filters: Filters, now: Date, zone: string): { from: string; to: string } {
  if (filters.date === 'any') return { from: '', to: '' }
  if (filters.date === 'custom') return { from: filters.from, to: filters.to }
  const [from, to] = PRESET_DAYS[filters.date]
  return { from: dicomDay(now, from, zone), to: dicomDay(now, to, zone) }
}

/** The question to the server: only what was asked for, nothing empty. */
export function buildQuery(filters: Filters, now: Date, zone: string): StudyQuery {
  const { from, to } = dateRange(filters, now, zone)
  const query: StudyQuery = { sort: filters.sort.key as StudySort, descending: filters.sort.descending }
  const text = filters.text.trim()
  if (text !== '') query.text = text
  if (filters.patientName.trim() !== '') query.patient_name = filters.patientName.trim()
  if (filters.patientId.trim() !== '') query.patient_id = filters.patientId.trim()
  if (filters.accessionNumber.trim() !== '') query.accession_number = filters.accessionNumber.trim()
  if (filters.modalities.length > 0) query.modalities = [...filters.modalities].sort()
  if (from !== '') query.date_from = from
  if (to !== '') query.date_to = to
  if (filters.state !== '') query.state = filters.state
  return query
}

export function isFiltered(filters: Filters): boolean {
  const { sort: _sort, ...rest } = filters
  const { sort: _none, ...plain } = NO_FILTERS
  return JSON.stringify(rest) !== JSON.stringify(plain)
}

/** A filter that a person keeps: never a name, a number or anything else of one patient. */
export interface SavedFilter {
  id: string
  name: string
  modalities: string[]
  date: Exclude<DatePreset, 'custom'>
  state: StateFilter
}

export function savable(filters: Filters): boolean {
  return filters.date !== 'custom' && (filters.modalities.length > 0 || filters.date !== 'any' || filters.state !== '')
}

export function fromSaved(saved: SavedFilter): Filters {
  return { ...NO_FILTERS, modalities: saved.modalities, date: saved.date, state: saved.state }
}

export function matchesSaved(filters: Filters, saved: SavedFilter): boolean {
  return (
    filters.date === saved.date &&
    filters.state === saved.state &&
    [...filters.modalities].sort().join() === [...saved.modalities].sort().join() &&
    filters.patientName + filters.patientId + filters.accessionNumber === ''
  )
}

/** The tabs that everybody has. */
export const TABS: readonly SavedFilter[] = [
  { id: 'all', name: '', modalities: [], date: 'any', state: '' },
  { id: 'today', name: '', modalities: [], date: 'today', state: '' },
  { id: 'receiving', name: '', modalities: [], date: 'any', state: 'receiving' },
  { id: 'held', name: '', modalities: [], date: 'any', state: 'held' },
]

interface FilterStore {
  filters: Filters
  selected: string | null
  set: (change: Partial<Filters>) => void
  select: (id: string | null) => void
}

/** Lives as long as the window, so that the list is as it was when somebody comes back from a study; never written to disk. */
export const useFilters = create<FilterStore>((set) => ({
  filters: NO_FILTERS,
  selected: null,
  set: (change) => set((state) => ({ filters: { ...state.filters, ...change } })),
  select: (selected) => set({ selected }),
}))

/** The list of one patient's studies. */
export function showPatient(patient: PatientSummary): void {
  const filters =
    patient.patient_id === ''
      ? { ...NO_FILTERS, patientName: patient.name.split('=')[0] ?? '' }
      : { ...NO_FILTERS, patientId: patient.patient_id }
  useFilters.setState({ filters, selected: null })
}
