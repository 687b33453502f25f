import { type InfiniteData, keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useLive } from '@/api/live'
import { keys } from '@/api/keys'
import { readStudy, searchStudies } from '@/api/studies'
import { type StudyPage, type StudyQuery, type StudyRow, type WithheldStudies } from '@/api/types'
import { mergeFresh } from './merge'

const PAGE = 100
const NONE: readonly WithheldStudies[] = []
const MOST_READ_AT_ONCE = 8

type Pages = InfiniteData<StudyPage, string | null>

export interface StudyList {
  rows: readonly StudyRow[]
  count: number
  exact: boolean
  loading: boolean
  loadingMore: boolean
  /** The rows belong to the question before this one. */
  previous: boolean
  /** The question on the screen has no rows of its own: what is shown answered the one before. */
  unanswered: boolean
  /** The last reading failed; the rows are old. */
  error: unknown
  /** Of the patient that is searched for; empty while the rows are of another question. */
  withheld: readonly WithheldStudies[]
  /** Rows that came in above since somebody last stood at the top. */
  arrived: number
  seen: () => void
  more: () => void
  reload: () => void
}

function patch(data: Pages, added: StudyRow[], changed: Map<string, StudyRow>): Pages {
  return {
    ...data,
    pages: data.pages.map((page, index) => ({
      ...page,
      count: page.count + (index === 0 ? added.length : 0),
      items: [...(index === 0 ? added : []), ...page.items.map((row) => changed.get(row.id) ?? row)],
    })),
  }
}

/** The study list by cursor pages, kept live: rows change in place, new ones enter on top, none of the loaded moves. */
export function useStudyList(query: StudyQuery): StudyList {
  const client = useQueryClient()
  const queryKey = useMemo(() => [...keys.studies, 'list', query], [query])
  const list = useInfiniteQuery<StudyPage, Error, Pages, readonly unknown[], string | null>({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      searchStudies({ ...query, limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) }, signal),
    initialPageParam: null,
    getNextPageParam: (last) => last.next ?? null,
    placeholderData: keepPreviousData,
    // Renewal is by the stream, row by row: reading all loaded pages again would be the wrong tool.
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  })

  // A failed question leaves no data of its own; what was on screen stays there.
  const [kept, setKept] = useState<Pages | undefined>(undefined)
  if (list.data !== undefined && list.data !== kept) setKept(list.data)
  const data = list.data ?? kept
  const rows = useMemo(() => {
    const seen = new Set<string>()
    return (data?.pages ?? [])
      .flatMap((page) => page.items)
      .filter((row) => {
        if (seen.has(row.id)) return false
        seen.add(row.id)
        return true
      })
  }, [data])
  const first = data?.pages[0]

  const [arrived, setArrived] = useState(0)
  const reload = useCallback(() => {
    setArrived(0)
    void client.resetQueries({ queryKey })
  }, [client, queryKey])
  useFresh(query, queryKey, (added) => setArrived((value) => value + added))
  useChangedRows(queryKey)

  return {
    rows,
    count: first?.count ?? 0,
    exact: first?.count_is_exact ?? true,
    loading: list.isLoading,
    loadingMore: list.isFetchingNextPage,
    previous: list.isPlaceholderData || (list.data === undefined && kept !== undefined && list.isFetching),
    unanswered: list.data === undefined && kept !== undefined,
    error: list.error,
    withheld: list.isPlaceholderData || list.data === undefined ? NONE : (first?.withheld ?? NONE),
    arrived,
    seen: useCallback(() => setArrived(0), []),
    more: useCallback(() => {
      if (list.hasNextPage && !list.isFetching && !list.isFetchNextPageError) void list.fetchNextPage()
    }, [list]),
    reload,
  }
}

/** At most one reading of the first page in this time, however many studies arrive. */
const BREATH_MS = 800
/** Studies of one association arrive within moments of each other. */
const GATHER_MS = 40

/** Reads the first page again when studies arrive, and puts what is new on top. */
function useFresh(query: StudyQuery, queryKey: readonly unknown[], onAdded: (count: number) => void): void {
  const client = useQueryClient()
  const arrivals = useLive((state) => state.arrivals)
  const returns = useLive((state) => state.returns)
  const before = useRef({ arrivals, returns })
  const told = useRef(onAdded)
  useEffect(() => {
    told.current = onAdded
  })

  const look = useRef<() => void>(() => undefined)
  useEffect(() => {
    const control = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const turn = { busy: false, asked: 0, last: 0 }
    const read = async (): Promise<void> => {
      const answered = turn.asked
      turn.last = Date.now()
      const fresh = await searchStudies({ ...query, limit: PAGE }, control.signal).catch(() => null)
      const data = client.getQueryData<Pages>(queryKey)
      if (fresh !== null && data !== undefined) {
        const loaded = data.pages.flatMap((page) => page.items)
        const { added, changed, gap } = mergeFresh(loaded, fresh.items)
        if (gap || loaded.length === 0) client.setQueryData<Pages>(queryKey, { pages: [fresh], pageParams: [null] })
        else client.setQueryData<Pages>(queryKey, patch(data, added, changed))
        told.current(added.length)
      }
      turn.busy = false
      if (turn.asked !== answered && !control.signal.aborted) look.current()
    }
    look.current = () => {
      turn.asked += 1
      if (turn.busy) return
      turn.busy = true
      timer = setTimeout(() => void read(), Math.max(GATHER_MS, turn.last + BREATH_MS - Date.now()))
    }
    return () => {
      clearTimeout(timer)
      control.abort()
    }
  }, [query, queryKey, client])

  useEffect(() => {
    if (before.current.arrivals === arrivals && before.current.returns === returns) return
    before.current = { arrivals, returns }
    look.current()
  }, [arrivals, returns])
}

/** Renews single rows that the stream names, when they are loaded. */
function useChangedRows(queryKey: readonly unknown[]): void {
  const client = useQueryClient()
  const changed = useLive((state) => state.changed)
  useEffect(() => {
    const data = client.getQueryData<Pages>(queryKey)
    if (data === undefined || changed.length === 0) return
    const loaded = new Set(data.pages.flatMap((page) => page.items.map((row) => row.id)))
    const wanted = changed.filter((id) => loaded.has(id)).slice(0, MOST_READ_AT_ONCE)
    // Each name is read once; later changes name it again.
    useLive.setState((state) => ({ changed: state.changed.filter((id) => !changed.includes(id)) }))
    for (const id of wanted) {
      readStudy(id).then(
        (row) => client.setQueryData<Pages>(queryKey, (now) => (now === undefined ? now : patch(now, [], new Map([[id, row]])))),
        () => undefined,
      )
    }
  }, [changed, client, queryKey])
}
