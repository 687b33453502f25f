import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import app from '@/locales/en/app.json'

/** The kinds that have an event of their own in PS3.15; people read them in the log. */
const source = readFileSync(new URL('../../../src/heliograph/standards/ihe/audit_kinds.py', import.meta.url), 'utf8')
const kinds = [...source.matchAll(/^ {4}"([a-z_]+(?:\.[a-z_]+)+)":/gm)].map((match) => match[1] ?? '')

it('names every kind of the audit log in words', () => {
  expect(kinds.length).toBeGreaterThan(30)
  expect(kinds.filter((kind) => !(kind.replaceAll('.', '_') in app.audit_kind))).toEqual([])
})
