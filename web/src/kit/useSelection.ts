import { useState } from 'react'

export interface Selection<T> {
  id: string | null
  /** The selected row as the list has it now. */
  row: T | undefined
  /** Whether the details of the row are open. */
  open: boolean
  select: (id: string | null) => void
  show: (id: string) => void
  close: () => void
}

/** Which row is active in a list and whether its pane is open. */
export function useSelection<T>(items: readonly T[] | undefined, rowId: (row: T) => string): Selection<T> {
  const [id, select] = useState<string | null>(null)
  const [open, setOpen] = useState(false)
  return {
    id,
    row: id === null ? undefined : items?.find((item) => rowId(item) === id),
    open,
    select,
    show: (next) => {
      select(next)
      setOpen(true)
    },
    close: () => setOpen(false),
  }
}
