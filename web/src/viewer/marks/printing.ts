import { type MarkBody, type MeasuredValue } from '@/api/marks'

const UNITS: Readonly<Record<string, string>> = { mm2: 'mm²', px2: 'px²', deg: '°', "[hnsf'U]": 'HU', '1': '', 'Bq/mL': 'Bq/ml' }

function digits({ unit, value }: MeasuredValue): number {
  if (unit === 'px' || unit === 'px2' || (unit === 'mm2' && value >= 100)) return 0
  return 1
}

function printed(one: MeasuredValue): string {
  const unit = UNITS[one.unit] ?? one.unit
  return `${one.value.toFixed(digits(one))}${unit === '°' ? '' : ' '}${unit}`.trim()
}

/** The figures of a mark in a list: what is read first, for a region its mean too. */
export function printedValues(body: MarkBody): string {
  const of = (name: MeasuredValue['name']): MeasuredValue | undefined => body.measured.find((one) => one.name === name)
  const first = body.kind === 'bidirectional' ? [of('long_axis'), of('short_axis')] : [of('length') ?? of('angle') ?? of('area')]
  const sizes = first.flatMap((one) => (one === undefined ? [] : [printed(one)])).join(' × ')
  const mean = of('mean')
  return mean === undefined ? sizes : `${sizes} · ⌀ ${printed(mean)}`
}
