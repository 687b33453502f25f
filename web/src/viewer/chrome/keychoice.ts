import { request } from '@/api/client'
import { COMMANDS } from './commands'
import { keymap, readBindings, type Bindings } from './keymap'

const PATH = '/api/account/preferences/viewer.keys'

interface Layer {
  document: unknown
  revision: number
}

let revision = 0
let saving: Promise<void> = Promise.resolve()

/** Reads what the person, or the house before them, has set; without an answer the keys stay as they come. */
export async function loadBindings(): Promise<void> {
  try {
    const { own, house } = await request<{ own: Layer; house: Layer }>('GET', PATH)
    revision = own.revision
    const found = [house, own].map((layer) => readBindings(layer.document, COMMANDS) ?? {})
    keymap.setState({ bindings: Object.assign({}, ...found) as Bindings })
  } catch {
    // The line is down: the keys that everybody knows work all the same.
  }
}

/** Changes the keys at once, and keeps them for the person behind it; of two windows the later choice holds. */
export function saveBindings(bindings: Bindings): void {
  keymap.setState({ bindings })
  saving = saving.then(async () => {
    const document = Object.keys(bindings).length === 0 ? null : bindings
    try {
      revision = (await request<{ revision: number }>('PUT', PATH, { layer: 'own', revision, document })).revision
    } catch {
      const now = await request<{ own: Layer }>('GET', PATH).catch(() => undefined)
      if (now === undefined) return
      revision = (await request<{ revision: number }>('PUT', PATH, { layer: 'own', revision: now.own.revision, document })).revision
    }
  }, () => undefined)
}
