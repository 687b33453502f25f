import { askEarly } from '@/api/early'
import { type SeriesDocument, type StudyManifest } from '@/api/types'
import { canDecode } from './pixels/codecs'
import { askForCopies, preloadFirstLook } from './pixels/copies'
import { AS_STORED, frameQueue } from './pixels/framequeue'
import { firstRow } from './state/firstseries'

const ROWS = '00280010'

/**
 * Asks for what the first picture of a study needs, one answer leading to the next, while the code that shows it is still
 * being loaded. Nothing here is shown or kept: the workspace takes the answers when it starts, or asks again.
 */
export async function askForStudy(studyId: string): Promise<void> {
  const manifest = (await askEarly(`/api/studies/${studyId}/manifest`)) as StudyManifest | undefined
  const row = manifest === undefined ? undefined : firstRow(manifest.series)
  if (row === undefined) return
  const copies = askForCopies(row)
  const document = (await askEarly(row.document_url)) as SeriesDocument | undefined
  await copies
  const first = document?.instances[0]
  if (first === undefined || document === undefined || first.frames !== 1 || first.frame_urls_base === '') return
  if (!(ROWS in first.attributes || ROWS in document.shared)) return
  if (preloadFirstLook({ url: `${first.frame_urls_base}1`, number: 1, digest: first.digest })) (await import('./pixels/decode')).warmCopies()
  else frameQueue.preload(`${first.frame_urls_base}1`, AS_STORED, first.digest)
  if (canDecode(first.transfer_syntax)) (await import('./pixels/decode')).warmDecoder()
}
