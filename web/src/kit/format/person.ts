/** DICOM person names (PS3.5 6.2): `alphabetic=ideographic=phonetic`, each `family^given^middle^prefix^suffix`. */
export interface PersonName {
  alphabetic: string
  ideographic: string
  phonetic: string
}

const IDEOGRAPHIC_FIRST = new Set(['zh', 'ja', 'ko'])

function group(text: string): string {
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = text.split('^').map((part) => part.trim())
  const first = [given, middle].filter(Boolean).join(' ')
  const titles = [prefix, suffix].filter(Boolean).join(', ')
  const name = [family, first].filter(Boolean).join(', ')
  if (titles === '') return name
  return name === '' ? titles : `${name} (${titles})`
}

/** An ideographic group is written without a comma, as its readers write names. */
function ideographs(text: string): string {
  const [family = '', given = '', middle = ''] = text.split('^').map((part) => part.trim())
  return [family, given, middle].filter(Boolean).join(' ')
}

export function parsePersonName(value: string): PersonName {
  const [alphabetic = '', ideographic = '', phonetic = ''] = value.split('=')
  return { alphabetic: group(alphabetic), ideographic: ideographs(ideographic), phonetic: ideographs(phonetic) }
}

/** The name as one line for lists and bars: first the group that the reader's language prefers, the other one in brackets. */
export function formatPersonName(value: string | null | undefined, language = 'en'): string {
  if (value === null || value === undefined || value.trim() === '') return ''
  const { alphabetic, ideographic, phonetic } = parsePersonName(value)
  const order = IDEOGRAPHIC_FIRST.has(language.slice(0, 2))
    ? [ideographic, alphabetic, phonetic]
    : [alphabetic, ideographic, phonetic]
  const [first = '', second = ''] = order.filter(Boolean)
  return second === '' || second === phonetic ? first : `${first} (${second})`
}
