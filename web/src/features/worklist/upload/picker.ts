import { collectPicked } from './collect'
import { startUpload } from './store'

/** Opens the system's chooser for files or for one folder. */
export function pickFiles(folder: boolean): void {
  const input = document.createElement('input')
  input.type = 'file'
  input.multiple = true
  input.webkitdirectory = folder
  input.addEventListener('change', () => {
    if (input.files !== null) void startUpload(Promise.resolve(collectPicked(input.files)))
  })
  input.click()
}
