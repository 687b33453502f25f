export interface Picked {
  /** Path as the person sees it, such as `CD/IM000001`. */
  name: string
  file: File
}

const MOST_FILES = 100
const MOST_BYTES = 64_000_000

/** What systems put into folders and nobody means to send. */
const JUNK = /(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*)$/i

export function isJunk(name: string): boolean {
  return JUNK.test(name)
}

/** Cuts files into requests that are small enough to repeat and large enough not to wait on the line. */
export function intoBatches(files: readonly Picked[], mostFiles = MOST_FILES, mostBytes = MOST_BYTES): Picked[][] {
  const batches: Picked[][] = []
  let batch: Picked[] = []
  let bytes = 0
  for (const picked of files) {
    if (batch.length > 0 && (batch.length >= mostFiles || bytes + picked.file.size > mostBytes)) {
      batches.push(batch)
      batch = []
      bytes = 0
    }
    batch.push(picked)
    bytes += picked.file.size
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}
