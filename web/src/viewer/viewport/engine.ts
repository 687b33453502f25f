import { cache, init as initCore, RenderingEngine } from '@cornerstonejs/core'
import { init as initTools } from '@cornerstonejs/tools'
import { registerImages } from '../pixels/imageloader'

const ENGINE_ID = 'heliograph'
/** Share of the device's memory that pictures may take; browsers report at most 8 GB. */
const MEMORY_SHARE = 0.2
const LEAST_BYTES = 512 * 2 ** 20
/** Drawing contexts are dear to start; no layout has more viewports. */
const VIEWPORTS = 4

let engine: RenderingEngine | undefined

function memoryForPictures(): number {
  const gigabytes = (navigator as Navigator & { deviceMemory?: number }).deviceMemory ?? 4
  return Math.max(LEAST_BYTES, gigabytes * 2 ** 30 * MEMORY_SHARE)
}

/** The library would fall back to a slower path that knows no tables; a reader must be told instead. */
function requireGraphics(): void {
  const context = document.createElement('canvas').getContext('webgl2')
  if (context === null) throw new Error('no WebGL 2')
  context.getExtension('WEBGL_lose_context')?.loseContext()
}

/** Starts the drawing library once in the life of the page, and the one rendering engine that all viewports share. */
export function startEngine(): RenderingEngine {
  if (engine !== undefined) return engine
  requireGraphics()
  initCore({ rendering: { webGlContextCount: VIEWPORTS }, debug: { statsOverlay: false } })
  initTools()
  cache.setMaxCacheSize(memoryForPictures())
  registerImages()
  engine = new RenderingEngine(ENGINE_ID)
  return engine
}

export { ENGINE_ID }
