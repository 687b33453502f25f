import { askEarly } from '@/api/early'
import { askForStudy } from '@/viewer/early'

// The first code of the page, and small: what takes a round trip to the server begins before what takes the browser's time.
const studyId = /^\/study\/([^/]+)\/?$/.exec(location.pathname)?.[1]
void askEarly('/api/session')
if (studyId !== undefined) {
  void askForStudy(studyId)
  // A failure shows where the page itself imports it.
  import('@/viewer').catch(() => undefined)
}
void import('./main')
