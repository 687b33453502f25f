import { InfiniteQueryObserver, QueryClient } from '@tanstack/react-query'
import { expect, it } from 'vitest'
import { joined, pageUrl } from '@/api/pages'
import { type Page } from '@/api/types'

const page = (...ids: string[]): Page<{ id: string }> => ({ items: ids.map((id) => ({ id })) })

it('asks for the first page plainly and for the next ones by the cursor', () => {
  expect(pageUrl('/api/jobs', null)).toBe('/api/jobs')
  expect(pageUrl('/api/jobs', 'a b')).toBe('/api/jobs?cursor=a%20b&limit=500')
  expect(pageUrl('/api/quarantine?state=held', 'x')).toBe('/api/quarantine?state=held&cursor=x&limit=500')
  expect(pageUrl('/api/devices/wants-in?limit=100', 'x')).toBe('/api/devices/wants-in?limit=100&cursor=x')
})

it('shows a row once, where it stands first', () => {
  expect(joined([page('c', 'b'), page('b', 'a')]).map((row) => row.id)).toEqual(['c', 'b', 'a'])
  expect(joined([])).toEqual([])
})

it('re-reads all loaded pages by fresh cursors when the list gets old', async () => {
  const server = ['f', 'e', 'd', 'c', 'b', 'a']
  const read = (cursor: string | null): Page<{ id: string }> => {
    const rest = server.filter((id) => cursor === null || id < cursor)
    return { ...page(...rest.slice(0, 2)), next: rest.length > 2 ? (rest[1] ?? null) : null }
  }
  const client = new QueryClient()
  const observer = new InfiniteQueryObserver(client, {
    queryKey: ['jobs', 'pages'],
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page<{ id: string }>) => last.next ?? null,
  })
  const leave = observer.subscribe(() => undefined)
  await observer.refetch()
  await observer.fetchNextPage()
  const shown = (): string[] => joined(observer.getCurrentResult().data?.pages ?? []).map((row) => row.id)
  expect(shown()).toEqual(['f', 'e', 'd', 'c'])
  server.unshift('g')
  server.splice(server.indexOf('e'), 1)
  await client.invalidateQueries({ queryKey: ['jobs'] })
  expect(shown()).toEqual(['g', 'f', 'd', 'c'])
  await observer.fetchNextPage()
  expect(shown()).toEqual(['g', 'f', 'd', 'c', 'b', 'a'])
  expect(observer.getCurrentResult().hasNextPage).toBe(false)
  leave()
  client.clear()
})
