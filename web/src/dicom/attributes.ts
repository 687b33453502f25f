import { TAGS, type Keyword } from './tags'

/** One element of the DICOM JSON model (PS3.18 F.2). */
export interface Element {
  vr: string
  Value?: unknown[]
  BulkDataURI?: string
  InlineBinary?: string
}

export type DataSet = Readonly<Record<string, Element>>

const EMPTY: readonly unknown[] = []

function textOf(value: unknown): string {
  if (typeof value === 'string') return value.trim()
  if (typeof value === 'number') return String(value)
  if (typeof value === 'object' && value !== null) return nameText(value)
  return ''
}

/** A PN object back to its wire form `alphabetic=ideographic=phonetic`. */
function nameText(value: object): string {
  const groups = value as { Alphabetic?: unknown; Ideographic?: unknown; Phonetic?: unknown }
  const parts = [groups.Alphabetic, groups.Ideographic, groups.Phonetic].map((part) => (typeof part === 'string' ? part : ''))
  return parts.join('=').replace(/=+$/, '')
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const parsed = Number(value)
  return Number.isFinite(parsed) ? parsed : undefined
}

/**
 * Reads values from layered data sets: the first layer that has a value wins. An instance is its own attributes over
 * those that its series shares; a frame is its functional groups over the instance.
 */
export class Attributes {
  constructor(readonly layers: readonly DataSet[]) {}

  element(keyword: Keyword): Element | undefined {
    const tag = TAGS[keyword]
    for (const layer of this.layers) {
      const element = layer[tag]
      if (element !== undefined) return element
    }
    return undefined
  }

  /** By tag, for groups that repeat and so have no keyword of their own. */
  byTag(tag: string): Element | undefined {
    return this.layers.find((layer) => layer[tag] !== undefined)?.[tag]
  }

  /** True when the attribute carries a value of any kind. */
  has(keyword: Keyword): boolean {
    const element = this.element(keyword)
    if (element === undefined) return false
    return (element.Value?.length ?? 0) > 0 || element.BulkDataURI !== undefined || element.InlineBinary !== undefined
  }

  values(keyword: Keyword): readonly unknown[] {
    return this.element(keyword)?.Value ?? EMPTY
  }

  text(keyword: Keyword): string {
    return textOf(this.values(keyword)[0])
  }

  texts(keyword: Keyword): string[] {
    return this.values(keyword).map(textOf)
  }

  number(keyword: Keyword): number | undefined {
    return numberOf(this.values(keyword)[0])
  }

  /** All values as numbers; empty when one of them is no number, so that a half-read vector is never used. */
  numbers(keyword: Keyword): number[] {
    const numbers = this.values(keyword).map(numberOf)
    return numbers.every((value) => value !== undefined) ? numbers : []
  }

  items(keyword: Keyword): Attributes[] {
    return this.values(keyword)
      .filter((value): value is DataSet => typeof value === 'object' && value !== null)
      .map((item) => new Attributes([item]))
  }

  /** The meaning of the first coded concept of a code sequence. */
  meaning(keyword: Keyword): string {
    return this.items(keyword)[0]?.text('CodeMeaning') ?? ''
  }

  with(layer: DataSet): Attributes {
    return new Attributes([layer, ...this.layers])
  }
}
