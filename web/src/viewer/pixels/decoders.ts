import { transfer, wrap, type Remote } from 'comlink'
import { type Pixels } from '@/dicom/pixels'

/** A frame as the worker takes it, and gives it back decoded. */
export interface WorkerFrame {
  pixelData: Pixels
  rows: number
  columns: number
  interleaveMode?: number
}

export interface DecodeTask {
  imageFrame: object
  transferSyntax: string
  pixelData: Uint8Array<ArrayBuffer>
  options: object
  decodeConfig: object
}

interface DecodeWorker {
  decodeTask: (task: DecodeTask) => WorkerFrame
}

interface Decoder {
  worker: Worker
  remote: Remote<DecodeWorker>
  /** How to tell those who wait that the worker has died. */
  waiting: Set<(reason: Error) => void>
}

/** One processor stays for the page itself. */
const MOST = Math.max(1, Math.min(4, navigator.hardwareConcurrency - 1))

const decoders: Decoder[] = []

function addDecoder(): Decoder {
  // The loader's package does not export its worker, which needs nothing of the drawing library. Written so that the build sees it.
  const worker = new Worker(new URL('../../../node_modules/@cornerstonejs/dicom-image-loader/dist/esm/decodeImageFrameWorker.js', import.meta.url), { type: 'module' })
  const decoder: Decoder = { worker, remote: wrap<DecodeWorker>(worker), waiting: new Set() }
  worker.addEventListener('error', () => {
    decoders.splice(decoders.indexOf(decoder), 1)
    worker.terminate()
    for (const fail of decoder.waiting) fail(new Error('the decoder has stopped'))
  })
  decoders.push(decoder)
  return decoder
}

/** The decoder that is free, a new one, or the one with the least to do. */
function nextDecoder(): Decoder {
  const least = decoders.toSorted((a, b) => a.waiting.size - b.waiting.size)[0]
  return least === undefined || (least.waiting.size > 0 && decoders.length < MOST) ? addDecoder() : least
}

/** Starts a decoder before there is work for it. */
export function warmDecoder(): void {
  if (decoders.length === 0) addDecoder()
}

/** Decodes in the background; what is handed over is gone from here. */
export function decodeApart(task: DecodeTask): Promise<WorkerFrame> {
  const { remote, waiting } = nextDecoder()
  return new Promise((resolve, reject) => {
    waiting.add(reject)
    remote
      .decodeTask(transfer(task, [task.pixelData.buffer]))
      .then(resolve, reject)
      .finally(() => waiting.delete(reject))
  })
}
