/** Who draws in this window; the shell says it when somebody has signed in. */
export interface Reader {
  id: string
  mayKeep: boolean
}

let reader: Reader = { id: '', mayKeep: false }

export function setReader(next: Reader): void {
  reader = next
}

export const theReader = (): Reader => reader
