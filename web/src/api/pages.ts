import { type QueryKey, useInfiniteQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef } from 'react'
import { request } from './client'
import { type Page } from './types'

/** The first page is on screen soon; who goes on reading wants much, and the server gives this much at once. */
const NEXT_PAGES = 500

export interface PagedList<T> {
  data: { items: T[] } | undefined
  isLoading: boolean
  error: unknown
  refetch: () => unknown
  /** The server has older rows than those that were read. */
  hasMore: boolean
  loadingMore: boolean
  /** How many rows were read. */
  read: number
  more: () => void
}

export function pageUrl(url: string, cursor: string | null): string {
  if (cursor === null) return url
  // A list that asks for small pages wants the next one small too.
  const limit = url.includes('limit=') ? '' : `&limit=${String(NEXT_PAGES)}`
  return `${url}${url.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}${limit}`
}

/** The rows of all pages in their order, each once. */
export function joined<T extends { id: string }>(pages: readonly Page<T>[]): T[] {
  const rows = new Map<string, T>()
  for (const page of pages) for (const row of page.items) if (!rows.has(row.id)) rows.set(row.id, row)
  return [...rows.values()]
}

/** A list that goes on by cursor; what makes it old re-reads every page that is loaded and shows them together. */
export function usePages<T extends { id: string }>(key: QueryKey, url: string): PagedList<T> {
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => request<Page<T>>('GET', pageUrl(url, pageParam), undefined, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page<T>) => last.next ?? null,
  })
  const { data, hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = list
  // A wish during a re-reading waits for its end instead of cutting it off.
  const wanted = useRef(false)
  const go = useCallback(() => {
    if (!wanted.current || isFetching) return
    wanted.current = false
    if (hasNextPage && !isFetchNextPageError) void fetchNextPage()
  }, [hasNextPage, isFetching, isFetchNextPageError, fetchNextPage])
  useEffect(go, [go])
  const more = useCallback(() => {
    wanted.current = true
    go()
  }, [go])
  const shown = useMemo(() => (data === undefined ? undefined : { items: joined(data.pages) }), [data])
  return {
    data: shown,
    read: shown?.items.length ?? 0,
    isLoading: list.isLoading,
    error: list.error,
    refetch: list.refetch,
    hasMore: hasNextPage,
    loadingMore: list.isFetchingNextPage,
    more,
  }
}
