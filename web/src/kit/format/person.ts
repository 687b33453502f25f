/** DICOM person names (PS3.5 6.2): `alphabetic=ideographic=phonetic`, each `family^given^middle^prefix^suffix`. */
export interface PersonName {
  alphabetic: string
  ideographic: string
  phonetic: string
}

// Characters that are not seen and change what is: controls, directions, joiners and fillers (Unicode 23.2, UAX 9).
const UNSEEN = /\p{Cc}|\p{Default_Ignorable_Code_Point}|[\ufff9-\ufffb]/gu
// Persian and the scripts of South Asia write words with them.
const JOINED = /[\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}]/u

/** The text with every character that nobody would see made visible: two patients must not look alike and one must not look like another. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (char, at: number) => {
    const isJoiner = char === '\u200c' || char === '\u200d'
    if (isJoiner && JOINED.test(text.charAt(at - 1)) && JOINED.test(text.charAt(at + 1))) return char
    return `\u2039U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}\u203a`
  })
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
  const { alphabetic, ideographic, phonetic } = parsePersonName(visible(value))
  const order = IDEOGRAPHIC_FIRST.has(language.slice(0, 2))
    ? [ideographic, alphabetic, phonetic]
    : [alphabetic, ideographic, phonetic]
  const [first = '', second = ''] = order.filter(Boolean)
  return second === '' || second === phonetic ? first : `${first} (${second})`
}
