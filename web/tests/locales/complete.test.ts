import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LANGUAGES } from '@/locales'

const FOLDER = new URL('../../src/locales/', import.meta.url)
const PLURAL = /_(zero|one|two|few|many|other)$/

type Tree = { [key: string]: string | Tree }

function flatten(tree: Tree, prefix = ''): Map<string, string> {
  const flat = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') flat.set(prefix + key, value)
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) flat.set(inner, text)
  }
  return flat
}

function read(language: string, namespace: string): Map<string, string> {
  return flatten(JSON.parse(readFileSync(new URL(`${language}/${namespace}`, FOLDER), 'utf8')) as Tree)
}

/** The keys that a language must have: English ones, with the plural forms that the language itself knows. */
function wanted(english: ReadonlyMap<string, string>, language: string): Set<string> {
  const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories
  const keys = new Set<string>()
  for (const key of english.keys()) {
    const base = key.replace(PLURAL, '')
    if (base === key || !english.has(`${base}_other`)) keys.add(key)
    else {
      for (const form of forms) keys.add(`${base}_${form}`)
      // i18next takes `_zero` for nought in every language.
      if (english.has(`${base}_zero`)) keys.add(`${base}_zero`)
    }
  }
  return keys
}

const holes = (text: string): string[] => [...text.matchAll(/\{\{\s*([\w-]+)\s*\}\}/g)].map((match) => match[1] ?? '').sort()

/** Holes that a plural form may leave out, because the form says the number itself. */
function withoutCount(names: string[]): string[] {
  return names.filter((name) => name !== 'count')
}

const namespaces = readdirSync(new URL('en/', FOLDER)).filter((name) => name.endsWith('.json'))

describe.each(namespaces)('%s', (namespace) => {
  const english = read('en', namespace)

  it.each(LANGUAGES.map((language) => language.code))('is complete in %s, with nothing over', (code) => {
    expect([...read(code, namespace).keys()].sort()).toEqual([...wanted(english, code)].sort())
  })

  it.each(LANGUAGES.map((language) => language.code))('fills the same holes in %s and leaves no text empty', (code) => {
    for (const [key, text] of read(code, namespace)) {
      const base = key.replace(PLURAL, '')
      const source = english.get(key) ?? english.get(`${base}_other`)
      expect(text.trim(), key).not.toBe('')
      expect(withoutCount(holes(text)), `${code} ${key}`).toEqual(withoutCount(holes(source ?? '')))
    }
  })

  it.each(LANGUAGES.filter((language) => language.code !== 'en').map((language) => language.code))('is translated, not copied, in %s', (code) => {
    const same = [...read(code, namespace)].filter(([key, text]) => english.get(key) === text && /[a-z]{3}.* .*[a-z]{3}/.test(text.replace(/\{\{[^}]*\}\}/g, '')))
    expect(same).toEqual([])
  })
})
