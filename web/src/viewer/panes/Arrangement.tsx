import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { arrangementOf, type ArrangementNote } from '@/dicom/arrangement'
import { type ImageStack } from '@/dicom/series'
import css from './Arrangement.module.css'

const rounded = (value: number): string => String(Number(value.toFixed(value < 1 ? 2 : 1)))

function useNoteWords(): (note: ArrangementNote) => string {
  const { t } = useTranslation('viewer')
  return (note) => {
    switch (note.kind) {
      case 'gap':
        return t('display.note.gap', { count: note.missing, after: note.after, before: note.before })
      case 'duplicates':
        return t('display.note.duplicates', { count: note.count })
      case 'uneven':
        return t('display.note.uneven', { least: rounded(note.least), most: rounded(note.most) })
      case 'tilt':
        return t('display.note.tilt', { degrees: rounded(note.degrees) })
      case 'turning':
        return t('display.note.turning')
    }
  }
}

/** Guard 7: what is missing, doubled or askew in a stack, as one quiet word on its pane; the rest on demand. */
export function Arrangement({ stack }: { stack: ImageStack }) {
  const { t } = useTranslation('viewer')
  const wordOf = useNoteWords()
  const [open, setOpen] = useState(false)
  const notes = arrangementOf(stack)
  const [first] = notes
  if (first === undefined) return null
  const missing = notes.reduce((sum, note) => sum + (note.kind === 'gap' ? note.missing : 0), 0)
  const short = missing > 0 ? t('display.note.missing', { count: missing }) : wordOf(first)
  return (
    <div className={css['arrangement']} data-testid="arrangement" dir="auto">
      <button type="button" className={css['chip']} aria-expanded={open} onClick={() => setOpen(!open)} onDoubleClick={(event) => event.stopPropagation()}>
        {short}
        {notes.length > 1 && ` +${notes.length - 1}`}
      </button>
      {open && (
        <ul className={css['notes']} aria-label={t('display.note.title')}>
          {notes.map((note, index) => (
            <li key={index}>{wordOf(note)}</li>
          ))}
        </ul>
      )}
    </div>
  )
}
