/** Numbers for people: grouped digits, Latin in every language so that they line up with identifiers. */
export function formatCount(value: number, language: string): string {
  return new Intl.NumberFormat(`${language}-u-nu-latn`).format(value)
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const

/** Decimal units (kB = 1000 bytes), three figures at most. */
export function formatBytes(bytes: number, language: string): string {
  let value = Math.max(0, bytes)
  let step = 0
  while (value >= 999.5 && step < UNITS.length - 1) {
    value /= 1000
    step += 1
  }
  const digits = step === 0 || value >= 99.95 ? 0 : 1
  return new Intl.NumberFormat(`${language}-u-nu-latn`, {
    style: 'unit',
    unit: UNITS[step] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: digits,
  }).format(value)
}

/** Whole percent that says 100 only when all is done and 0 only when nothing is. */
export function percent(done: number, total: number | null): number | null {
  if (total === null || total <= 0) return null
  if (done >= total) return 100
  if (done <= 0) return 0
  return Math.min(99, Math.max(1, Math.round((done / total) * 100)))
}
