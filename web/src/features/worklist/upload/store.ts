import { create } from 'zustand'
import { ApiError } from '@/api/client'
import { uploadFiles } from '@/api/studies'
import { type UploadItem } from '@/api/types'
import { intoBatches, type Picked } from './batches'

export interface Tally {
  stored: number
  identical: number
  held: number
  refused: number
}

interface UploadStore {
  state: 'idle' | 'reading' | 'sending' | 'done' | 'cancelled'
  files: number
  filesSent: number
  bytes: number
  bytesSent: number
  tally: Tally
  /** What was not simply stored, with the reason. */
  remarks: UploadItem[]
  /** Files that no answer came for. */
  unsent: Picked[]
  trouble: string
}

const NOTHING: UploadStore = {
  state: 'idle',
  files: 0,
  filesSent: 0,
  bytes: 0,
  bytesSent: 0,
  tally: { stored: 0, identical: 0, held: 0, refused: 0 },
  remarks: [],
  unsent: [],
  trouble: '',
}

export const useUpload = create<UploadStore>(() => NOTHING)

const LINES = 2
const TRIES = 3
const MOST_REMARKS = 2000
let control = new AbortController()

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** True when sending the same bytes again may help; a repeat is safe, since an identical object is answered as identical. */
function worthRepeating(error: unknown): boolean {
  return error instanceof ApiError && (error.offline || error.status === 429 || error.status >= 500)
}

async function sendBatch(batch: readonly Picked[], onBytes: (sent: number) => void): Promise<void> {
  const size = batch.reduce((sum, picked) => sum + picked.file.size, 0)
  for (let attempt = 1; ; attempt += 1) {
    try {
      const result = await uploadFiles(
        batch,
        // The form's own lines make the body a little longer than the files.
        (progress) => onBytes(progress.total > 0 ? size * (progress.sent / progress.total) : 0),
        control.signal,
      )
      onBytes(size)
      useUpload.setState((state) => ({
        filesSent: state.filesSent + batch.length,
        tally: {
          stored: state.tally.stored + result.stored,
          identical: state.tally.identical + result.identical,
          held: state.tally.held + result.held,
          refused: state.tally.refused + result.refused,
        },
        remarks: [...state.remarks, ...result.items].slice(0, MOST_REMARKS),
      }))
      return
    } catch (error) {
      if (control.signal.aborted) throw error
      if (attempt >= TRIES || !worthRepeating(error)) {
        useUpload.setState((state) => ({
          unsent: [...state.unsent, ...batch],
          trouble: error instanceof Error ? error.message : '',
        }))
        return
      }
      onBytes(0)
      await pause(1000 * 2 ** attempt)
    }
  }
}

/** Says so before a window with a running upload is closed. */
function holdWindow(event: BeforeUnloadEvent): void {
  event.preventDefault()
}

/** Sends files over a few lines at once; `reading` gives the files when the folders have been walked. */
export async function startUpload(reading: Promise<Picked[]>): Promise<void> {
  const { state } = useUpload.getState()
  if (state === 'reading' || state === 'sending') return
  control = new AbortController()
  useUpload.setState({ ...NOTHING, state: 'reading' })
  const files = await reading.catch(() => [])
  if (files.length === 0) {
    useUpload.setState(NOTHING)
    return
  }
  const bytes = files.reduce((sum, picked) => sum + picked.file.size, 0)
  useUpload.setState({ state: 'sending', files: files.length, bytes })
  window.addEventListener('beforeunload', holdWindow)
  const batches = intoBatches(files)
  const sent = batches.map(() => 0)
  let next = 0
  const line = async (): Promise<void> => {
    for (;;) {
      const index = next
      next += 1
      const batch = batches[index]
      if (batch === undefined || control.signal.aborted) return
      await sendBatch(batch, (value) => {
        sent[index] = value
        useUpload.setState({ bytesSent: sent.reduce((sum, part) => sum + part, 0) })
      })
    }
  }
  await Promise.all(Array.from({ length: LINES }, line)).catch(() => undefined)
  window.removeEventListener('beforeunload', holdWindow)
  useUpload.setState({ state: control.signal.aborted ? 'cancelled' : 'done' })
}

export function cancelUpload(): void {
  control.abort()
}

export function closeUpload(): void {
  useUpload.setState(NOTHING)
}

export function resendUnsent(): void {
  const { unsent } = useUpload.getState()
  useUpload.setState({ state: 'idle' })
  void startUpload(Promise.resolve(unsent))
}
