import { useCallback, useSyncExternalStore } from 'react'

/** What a person arranged for themselves (columns, density, panes), kept in this browser per person. Never patient data. */
let person = 'nobody'
const listeners = new Set<() => void>()
const cache = new Map<string, { text: string | null; value: unknown }>()

const storageKey = (name: string): string => `heliograph.pref.${person}.${name}`

function emit(): void {
  for (const listener of listeners) listener()
}

/** Names whose arrangement counts from now on. */
export function setPerson(id: string): void {
  if (id === person) return
  person = id
  emit()
}

function read<T>(name: string, fallback: T): T {
  const key = storageKey(name)
  const text = localStorage.getItem(key)
  const kept = cache.get(key)
  if (kept !== undefined && kept.text === text) return kept.value as T
  let value: unknown = fallback
  try {
    if (text !== null) value = JSON.parse(text) as unknown
  } catch {
    value = fallback
  }
  cache.set(key, { text, value })
  return value as T
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  window.addEventListener('storage', emit)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) window.removeEventListener('storage', emit)
  }
}

/** A value that is remembered for this person; `fallback` must be a constant. */
export function usePreference<T>(name: string, fallback: T): [T, (value: T) => void] {
  const value = useSyncExternalStore(subscribe, () => read(name, fallback))
  const set = useCallback(
    (next: T) => {
      localStorage.setItem(storageKey(name), JSON.stringify(next))
      emit()
    },
    [name],
  )
  return [value, set]
}
