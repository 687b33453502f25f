import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PERMISSIONS } from '@/api/types'
import { STATES } from '@/features/worklist/filters'

/** The description that the server makes of itself; what the client asks for must stand in it. */
const description = JSON.parse(readFileSync(new URL('../../../docs/reference/openapi.json', import.meta.url), 'utf8')) as {
  paths: Record<string, Record<string, unknown>>
  components: { schemas: Record<string, { properties: Record<string, unknown> }> }
}

const source = ['client', 'session', 'studies', 'lists', 'watch', 'house']
  .map((name) => readFileSync(new URL(`../../src/api/${name}.ts`, import.meta.url), 'utf8'))
  .join('\n')

const shape = (path: string): string => path.replace(/\{[^}]*\}/g, '*')
const served = new Map(Object.entries(description.paths).map(([path, methods]) => [shape(path), Object.keys(methods)]))

function calls(): [method: string, path: string][] {
  const found: [string, string][] = []
  for (const match of source.matchAll(/'(GET|POST|PATCH|DELETE)',\s*(?:'(\/api[^'?]*)'|`(\/api[^`?]*)`|path\(([^)]*)\))/g)) {
    const [, method = '', plain, template, parts] = match
    const path =
      plain ?? template?.replace(/\$\{[^}]*\}/g, '*') ?? `/api/${(parts ?? '').split(',').map((part) => (part.trim().startsWith("'") ? part.trim().slice(1, -1) : '*')).join('/')}`
    found.push([method.toLowerCase(), path])
  }
  for (const match of source.matchAll(/use(?:List|Pages)<[^>]*>\([^,]*(?:\[[^\]]*\])?,\s*[^'`]*['`](\/api[^'`?]*)/g)) found.push(['get', match[1] ?? ''])
  return found
}

/** Paths whose last part is one of two words on the server. */
const VERBS = /\/(resend|cancel|retry)$/

describe('the client asks only for what the server serves', () => {
  const all = calls()
  it('finds its own calls', () => {
    expect(all.length).toBeGreaterThan(35)
  })
  it.each(all)('%s %s', (method, path) => {
    const methods = served.get(path) ?? served.get(path.replace(VERBS, '/*'))
    expect(methods, path).toBeDefined()
    expect(methods).toContain(method)
  })
})

it('searches by fields and words that the server knows', () => {
  const search = description.components.schemas['StudySearch']?.properties ?? {}
  for (const field of ['text', 'patient_name', 'patient_id', 'accession_number', 'modalities', 'date_from', 'date_to', 'state', 'sort', 'descending', 'cursor', 'limit']) {
    expect(search, field).toHaveProperty(field)
  }
  const words = JSON.stringify(search)
  for (const state of STATES.filter(Boolean)) expect(words).toContain(`"${state}"`)
  for (const sort of ['received_at', 'study_date', 'patient_name', 'patient_id', 'accession_number', 'modality', 'instances']) expect(words).toContain(`"${sort}"`)
})

it('names permissions that the server has', () => {
  const page = readFileSync(new URL('../../../docs/reference/permissions.md', import.meta.url), 'utf8')
  for (const permission of PERMISSIONS) expect(page).toContain(`\`${permission}\``)
})
