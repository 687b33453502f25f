import { isJunk, type Picked } from './batches'

const DEEPEST = 64

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}

/** A folder hands out its entries a hundred at a time. */
async function entriesOf(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader()
  const all: FileSystemEntry[] = []
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return all
    all.push(...some)
  }
}

async function walk(entry: FileSystemEntry, into: Picked[], depth: number): Promise<void> {
  if (depth > DEEPEST) return
  const name = entry.fullPath.replace(/^\//, '')
  if (isJunk(name)) return
  if (entry.isFile) into.push({ name, file: await fileOf(entry as FileSystemFileEntry) })
  if (!entry.isDirectory) return
  for (const child of await entriesOf(entry as FileSystemDirectoryEntry)) await walk(child, into, depth + 1)
}

/** Everything that was dropped, folders opened. The transfer has to be read before the event ends, so entries are taken first. */
export async function collectDropped(transfer: DataTransfer): Promise<Picked[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  if (entries.length === 0) return collectPicked(transfer.files)
  const picked: Picked[] = []
  for (const entry of entries) await walk(entry, picked, 0)
  return picked
}

export function collectPicked(files: FileList): Picked[] {
  return [...files]
    .map((file) => ({ name: file.webkitRelativePath === '' ? file.name : file.webkitRelativePath, file }))
    .filter((picked) => !isJunk(picked.name))
}
