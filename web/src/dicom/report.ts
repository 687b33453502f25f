import { formatDicomDate, formatDicomTime } from '@/kit/format/dicomdate'
import { formatPersonName } from '@/kit/format/person'
import { type Attributes } from './attributes'

/** One line of a structured report's content tree (PS3.3 C.17.3), depth first. */
export interface ReportLine {
  depth: number
  name: string
  value: string
}

const DEEPEST = 64
const MOST_LINES = 5000

function valueOf(item: Attributes): string {
  switch (item.text('ValueType')) {
    case 'TEXT':
      return item.text('TextValue')
    case 'CODE':
      return item.meaning('ConceptCodeSequence')
    case 'NUM': {
      const measured = item.items('MeasuredValueSequence')[0]
      const unit = measured?.items('MeasurementUnitsCodeSequence')[0]
      const code = unit?.text('CodeValue') ?? ''
      return [measured?.text('NumericValue') ?? '', code === '1' ? '' : code].filter((part) => part !== '').join(' ')
    }
    case 'PNAME':
      return formatPersonName(item.text('PersonNameValue'))
    case 'DATE':
      return formatDicomDate(item.text('DateValue'))
    case 'TIME':
      return formatDicomTime(item.text('TimeValue'))
    case 'DATETIME':
      return item.text('DateTimeValue')
    case 'UIDREF':
      return item.text('UIDValue')
    default:
      return ''
  }
}

/** A report as lines of text; nothing is left out silently: `isCut` says when it was too long or too deep. */
export function reportLines(report: Attributes): { lines: ReportLine[]; isCut: boolean } {
  const lines: ReportLine[] = []
  let isCut = false
  const visit = (item: Attributes, depth: number): void => {
    if (depth > DEEPEST || lines.length >= MOST_LINES) {
      isCut = true
      return
    }
    const name = item.meaning('ConceptNameCodeSequence')
    const value = valueOf(item)
    const type = item.text('ValueType')
    if (name !== '' || value !== '') lines.push({ depth, name, value: value === '' && type !== 'CONTAINER' ? type : value })
    for (const child of item.items('ContentSequence')) visit(child, depth + 1)
  }
  visit(report, 0)
  return { lines, isCut }
}
