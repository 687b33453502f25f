import { ApiError, request } from '@/api/client'
import { type SeriesDocument } from '@/api/types'
import { askForCopies } from '../pixels/copies'
import { withDocument, type SeriesEntry } from './studies'

const SECOND_CHANCE_MS = 800

export interface DocumentsTarget {
  entry: (studyId: string, seriesId: string) => SeriesEntry | undefined
  replace: (studyId: string, entry: SeriesEntry) => void
  signal: AbortSignal
}

/** Reads series documents, each once however many ask for it. */
export class Documents {
  private readonly loading = new Map<string, Promise<SeriesEntry | undefined>>()

  constructor(private readonly target: DocumentsTarget) {}

  load(studyId: string, seriesId: string): Promise<SeriesEntry | undefined> {
    const key = `${studyId}/${seriesId}`
    const known = this.loading.get(key)
    if (known !== undefined) return known
    const loading = this.read(studyId, seriesId)
    this.loading.set(key, loading)
    return loading
  }

  /** Forgets what has been read: the study has a newer revision. */
  forget(): void {
    this.loading.clear()
  }

  private async read(studyId: string, seriesId: string): Promise<SeriesEntry | undefined> {
    const entry = this.target.entry(studyId, seriesId)
    if (entry === undefined) return undefined
    this.target.replace(studyId, { ...entry, status: 'loading' })
    try {
      const [document] = await Promise.all([this.fetch(entry.row.document_url), askForCopies(entry.row, this.target.signal)])
      const ready = withDocument(entry, document)
      this.target.replace(studyId, ready)
      return ready
    } catch {
      this.loading.delete(`${studyId}/${seriesId}`)
      this.target.replace(studyId, { ...entry, status: 'failed' })
      return undefined
    }
  }

  /** A server that is busy or restarts gets a second chance before the reader is told. */
  private async fetch(url: string): Promise<SeriesDocument> {
    const read = (): Promise<SeriesDocument> => request<SeriesDocument>('GET', url, undefined, this.target.signal)
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 0 && error.status < 500)) throw error
      await new Promise((resolve) => setTimeout(resolve, SECOND_CHANCE_MS))
      return read()
    }
  }
}
