import { request } from '@/api/client'
import { type Layer, type LayeredProtocol, type Protocol } from './protocol'

export interface StoredProtocol {
  /** Empty for a shipped one. */
  id: string
  layer: Layer
  role: string
  enabled: boolean
  version: number
  document: Protocol
}

export interface Library {
  /** What hangs for this person, one of each name: the nearest layer's. */
  items: LayeredProtocol[]
}

export const PROTOCOLS_PATH = '/api/hanging/protocols'
/** How long the first picture waits for the rules by which it would hang. */
const PATIENCE_MS = 1500

let known: LayeredProtocol[] | undefined

/** Another person, or a change of a protocol: what is known is asked for again. */
export function forgetProtocols(): void {
  known = undefined
}

async function read(): Promise<LayeredProtocol[]> {
  const { items } = await request<Library>('GET', PROTOCOLS_PATH)
  known = items
  return items
}

/**
 * The protocols of this person. Known ones are given at once and asked for anew behind that, for the next case; when they do
 * not come in time there are none, and the first series hangs alone.
 */
export async function protocols(): Promise<readonly LayeredProtocol[]> {
  const asked = read().catch((): LayeredProtocol[] => [])
  if (known !== undefined) return known
  const late = new Promise<LayeredProtocol[]>((resolve) => setTimeout(() => resolve([]), PATIENCE_MS))
  return Promise.race([asked, late])
}
