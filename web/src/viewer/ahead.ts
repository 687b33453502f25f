import { request } from '@/api/client'
import { type SeriesDocument, type StudyManifest } from '@/api/types'
import { stacksOf } from '@/dicom/series'
import { askForCopies, preloadFirstLook } from './pixels/copies'
import { AS_STORED, frameQueue, PRIORITY } from './pixels/framequeue'
import { firstRow } from './state/firstseries'

/** Images of the next case that are fetched before it is opened. */
const FRAMES = 2

/**
 * Brings the beginning of a case into the browser while another one is read: what its first pictures need, and nothing is shown of
 * it. The server is told that nobody has opened it yet; the opening asks for the manifest again.
 */
export async function fetchAhead(studyId: string, signal: AbortSignal): Promise<void> {
  const manifest = await request<StudyManifest>('GET', `/api/studies/${studyId}/manifest?ahead=true`, undefined, signal)
  const row = firstRow(manifest.series)
  if (row === undefined) return
  const [document] = await Promise.all([request<SeriesDocument>('GET', row.document_url, undefined, signal), askForCopies(row, signal)])
  const stack = stacksOf(document).find((candidate) => candidate.kind === 'images')
  for (const frame of stack?.kind === 'images' ? stack.frames.slice(0, FRAMES) : []) {
    if (signal.aborted) return
    if (!preloadFirstLook(frame, PRIORITY.ahead)) frameQueue.preload(frame.url, AS_STORED, frame.digest, undefined, PRIORITY.ahead)
  }
}
