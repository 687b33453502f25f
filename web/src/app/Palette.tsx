import { Modal } from '@mantine/core'
import { useDebouncedValue, useHotkeys } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { IconArrowRight, IconBolt, IconFileSearch, IconUser, type Icon } from '@tabler/icons-react'
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { useMay, useSession } from '@/api/access'
import { searchStudies } from '@/api/studies'
import { type StudyRow } from '@/api/types'
import { formatDicomDate } from '@/kit/format/dicomdate'
import { visible } from '@/kit/format/person'
import { useFormat } from '@/kit/format/useFormat'
import { useActions } from './actions'
import { PAGES } from './pages'
import { usePalette } from './paletteStore'
import { showPatient } from '@/features/worklist/filters'
import css from './Palette.module.css'

interface Entry {
  id: string
  group: 'patients' | 'studies' | 'pages' | 'actions'
  icon: Icon
  text: string
  more?: string
  run: () => void
}

const FOUND = 8

function useFound(text: string, enabled: boolean): StudyRow[] {
  const [asked] = useDebouncedValue(text.trim(), 150)
  const result = useQuery({
    queryKey: ['studies', 'palette', asked],
    queryFn: ({ signal }) => searchStudies({ text: asked, limit: FOUND }, signal),
    enabled: enabled && asked.length > 1,
    staleTime: 10_000,
  })
  return asked === text.trim() && asked.length > 1 ? (result.data?.items ?? []) : []
}

function useEntries(text: string, open: boolean, close: () => void): Entry[] {
  const { t } = useTranslation()
  const { permissions } = useSession()
  const mayRead = useMay('study.read')
  const format = useFormat()
  const navigate = useNavigate()
  const actions = useActions()
  const found = useFound(text, open && mayRead)
  return useMemo(() => {
    const wanted = text.trim().toLocaleLowerCase()
    const matches = (label: string): boolean => label.toLocaleLowerCase().includes(wanted)
    const go = (path: string) => () => {
      close()
      void navigate(path)
    }
    const patients = new Map(found.map((study) => [study.patient.id, study.patient]))
    return [
      ...[...patients.values()].slice(0, 4).map((patient): Entry => ({
        id: `patient ${patient.id}`,
        group: 'patients',
        icon: IconUser,
        text: format.name(patient.name) || t('patient.no_name'),
        more: [visible(patient.patient_id), formatDicomDate(patient.birth_date)].filter(Boolean).join(' · '),
        run: () => {
          showPatient(patient)
          go('/')()
        },
      })),
      ...found.map((study): Entry => ({
        id: `study ${study.id}`,
        group: 'studies',
        icon: IconFileSearch,
        text: study.description || study.modalities.join(' ') || t('study.no_description'),
        more: [format.name(study.patient.name), formatDicomDate(study.study_date)].filter(Boolean).join(' · '),
        run: go(`/study/${study.id}`),
      })),
      ...PAGES.filter((page) => permissions.includes(page.needs) && matches(t(`page.${page.id}`))).map((page): Entry => ({
        id: `page ${page.id}`,
        group: 'pages',
        icon: IconArrowRight,
        text: t(`page.${page.id}`),
        run: go(page.path),
      })),
      ...actions.filter((action) => matches(action.text)).map((action): Entry => ({
        id: `action ${action.id}`,
        group: 'actions',
        icon: IconBolt,
        text: action.text,
        run: () => {
          close()
          action.run()
        },
      })),
    ]
  }, [text, found, actions, permissions, format, navigate, close, t])
}

/** Ctrl+K: patients, studies, pages and actions by a few letters. */
export function Palette() {
  const { t } = useTranslation()
  const open = usePalette((state) => state.open)
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const list = useRef<HTMLDivElement>(null)
  const base = useId()
  const close = useMemo(
    () => () => {
      usePalette.setState({ open: false })
      setText('')
      setAt(0)
    },
    [],
  )
  useHotkeys([['mod+K', () => usePalette.setState({ open: true })]], [])
  const entries = useEntries(text, open, close)
  const active = Math.min(at, entries.length - 1)
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [active])

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      const step = event.key === 'ArrowDown' ? 1 : -1
      setAt((active + step + entries.length) % Math.max(1, entries.length))
    }
    if (event.key === 'Enter') {
      event.preventDefault()
      entries[active]?.run()
    }
  }

  if (!open) return null
  return (
    <Modal.Root opened onClose={close} padding={0} size={560} yOffset="12vh">
      <Modal.Overlay />
      <Modal.Content aria-label={t('palette.title')}>
      <input
        className={css['input']}
        data-autofocus
        role="combobox"
        aria-label={t('palette.title')}
        aria-expanded
        aria-controls={`${base}-list`}
        aria-autocomplete="list"
        {...(entries[active] === undefined ? {} : { 'aria-activedescendant': `${base}-${active}` })}
        placeholder={t('palette.placeholder')}
        value={text}
        maxLength={128}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={onKeyDown}
      />
        {entries.length === 0 && <p className={css['none']}>{t('palette.none')}</p>}
      <div
        ref={list}
        id={`${base}-list`}
        {...(entries.length > 0 ? { role: 'listbox', 'aria-label': t('palette.title') } : {})}
        className={css['list']}
      >
        {entries.map((entry, index) => {
          const Icon = entry.icon
          const first = entries[index - 1]?.group !== entry.group
          return (
            <div key={entry.id} role="presentation">
              {first && (
                <div className={css['group']} role="presentation">
                  {t(`palette.${entry.group}`)}
                </div>
              )}
              <div
                id={`${base}-${index}`}
                role="option"
                aria-selected={index === active}
                className={css['entry']}
                onPointerMove={() => setAt(index)}
                onClick={entry.run}
              >
                <Icon size={16} stroke={1.6} aria-hidden />
                <bdi className={css['text']}>{entry.text}</bdi>
                {entry.more !== undefined && <bdi className={css['more']}>{entry.more}</bdi>}
              </div>
            </div>
          )
        })}
      </div>
      </Modal.Content>
    </Modal.Root>
  )
}
