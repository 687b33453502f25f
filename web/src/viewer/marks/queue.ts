import { type MarkEvent } from '@/api/marks'

/** A change that the server has not confirmed, with whose it is. Identifiers and points only: no name of a patient is kept in a browser. */
export interface Waiting {
  event: MarkEvent
  user: string
  study: string
}

/** Where changes wait until the server has them: they outlive the page, the browser and the line. */
export interface Queue {
  add: (waiting: readonly Waiting[]) => Promise<void>
  of: (user: string, study: string) => Promise<Waiting[]>
  all: (user: string) => Promise<Waiting[]>
  remove: (ids: readonly string[]) => Promise<void>
}

const NAME = 'heliograph-marks'
const STORE = 'events'

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const asking = indexedDB.open(NAME, 1)
    asking.onupgradeneeded = () => asking.result.createObjectStore(STORE, { keyPath: 'event.id' }).createIndex('case', ['user', 'study'])
    asking.onsuccess = () => resolve(asking.result)
    asking.onerror = () => reject(asking.error ?? new Error('no room for what is drawn'))
  })
}

function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error('not written'))
  })
}

/** The browser's own database. Raises when the browser gives no room, as some do in a private window. */
export class BrowserQueue implements Queue {
  private database: Promise<IDBDatabase> | undefined

  private open(): Promise<IDBDatabase> {
    this.database ??= opened()
    return this.database
  }

  async add(waiting: readonly Waiting[]): Promise<void> {
    const transaction = (await this.open()).transaction(STORE, 'readwrite', { durability: 'strict' })
    for (const one of waiting) transaction.objectStore(STORE).put(one)
    await done(transaction)
  }

  of(user: string, study: string): Promise<Waiting[]> {
    return this.find(IDBKeyRange.only([user, study]))
  }

  all(user: string): Promise<Waiting[]> {
    return this.find(IDBKeyRange.bound([user], [user, []]))
  }

  private async find(range: IDBKeyRange): Promise<Waiting[]> {
    const transaction = (await this.open()).transaction(STORE, 'readonly')
    const asking = transaction.objectStore(STORE).index('case').getAll(range) as IDBRequest<Waiting[]>
    await done(transaction)
    return asking.result
  }

  async remove(ids: readonly string[]): Promise<void> {
    const transaction = (await this.open()).transaction(STORE, 'readwrite')
    for (const id of ids) transaction.objectStore(STORE).delete(id)
    await done(transaction)
  }
}
