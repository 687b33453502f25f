import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { ageAt, type Age } from './dicomdate'
import { formatInstant, formatRelative } from './instant'
import { formatPersonName } from './person'
import { formatBytes, formatCount } from './quantity'

export interface Format {
  name: (value: string | null | undefined) => string
  count: (value: number) => string
  bytes: (value: number) => string
  instant: (iso: string | null | undefined) => string
  relative: (iso: string | null | undefined, now?: number) => string
  age: (birth: string, exam: string) => string
}

/** In a sentence that runs to the left the parts of a date would change places. */
const whole = (text: string, isRtl: boolean): string => (isRtl && text !== '' ? `\u2066${text}\u2069` : text)

/** The formatting functions bound to the reader's language. */
export function useFormat(): Format {
  const { t, i18n } = useTranslation()
  const language = i18n.language
  return useMemo(
    () => ({
      name: (value) => formatPersonName(value, language),
      count: (value) => formatCount(value, language),
      bytes: (value) => formatBytes(value, language),
      instant: (iso) => whole(formatInstant(iso), i18n.dir(language) === 'rtl'),
      relative: (iso, now = Date.now()) => formatRelative(iso, language, now),
      age: (birth, exam) => {
        const age: Age | null = ageAt(birth, exam)
        return age === null ? '' : t(`age.${age.unit}`, { value: age.value })
      },
    }),
    [t, i18n, language],
  )
}
