/** A person's name as a reader expects it: `DOE, Jane` with the ideographic group behind it when there is one. */
export function formatName(wire: string): string {
  const [alphabetic = '', ideographic = ''] = wire.split('=')
  const latin = formatGroup(alphabetic, ', ')
  const local = formatGroup(ideographic, ' ')
  if (latin !== '' && local !== '') return `${latin} (${local})`
  return latin !== '' ? latin : local
}

function formatGroup(group: string, separator: string): string {
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = group.split('^').map((part) => part.trim())
  const personal = [prefix, given, middle, suffix].filter((part) => part !== '').join(' ')
  return [family, personal].filter((part) => part !== '').join(separator)
}
