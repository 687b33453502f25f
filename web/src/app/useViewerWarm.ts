import { useEffect } from 'react'

const AFTER_MS = 2000

/** Loads the viewer while somebody still looks at a list, so that the first study opens without waiting for code. */
export function useViewerWarm(idle: boolean): void {
  useEffect(() => {
    if (!idle) return
    const warm = (): void => {
      import('@/viewer').then(
        (viewer) => viewer.preload(),
        // The study page loads it again and says what is wrong.
        () => undefined,
      )
    }
    const timer = setTimeout(() => {
      if ('requestIdleCallback' in window) requestIdleCallback(warm)
      else warm()
    }, AFTER_MS)
    return () => clearTimeout(timer)
  }, [idle])
}
