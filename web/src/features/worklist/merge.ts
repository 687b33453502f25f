import { type StudyRow } from '@/api/types'

export interface Merge {
  /** Studies that stand above everything loaded, newest first. */
  added: StudyRow[]
  /** Loaded studies with their newer content, by id. */
  changed: Map<string, StudyRow>
  /** True when the two lists share nothing, so that what lies between is unknown. */
  gap: boolean
}

/** Compares the freshest first page with what is loaded, without moving anything that is loaded. */
export function mergeFresh(loaded: readonly StudyRow[], fresh: readonly StudyRow[]): Merge {
  const known = new Set(loaded.map((row) => row.id))
  const firstKnown = fresh.findIndex((row) => known.has(row.id))
  const changed = new Map(fresh.filter((row) => known.has(row.id)).map((row) => [row.id, row]))
  if (firstKnown < 0) return { added: [...fresh], changed, gap: loaded.length > 0 && fresh.length > 0 }
  return { added: fresh.slice(0, firstKnown), changed, gap: false }
}
