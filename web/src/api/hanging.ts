import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { request } from './client'

/** How studies hang: protocols in layers, and what they do with what is stored. */

export type HangingLayer = 'shipped' | 'site' | 'role' | 'user'

export interface LayeredProtocol {
  /** Empty for a shipped one, which is covered and never changed. */
  id: string
  layer: HangingLayer
  role: string
  enabled: boolean
  version: number
  document: { id: string; name: string } & Record<string, unknown>
  changed_at: string | null
  changed_by: string
  can_edit: boolean
}

export interface LintedProtocol {
  protocol: string
  name: string
  layer: HangingLayer
  fits: number
  wins: number
  panes_filled: number
  panes_empty: number
  series_left_out: number
  as_good: { protocol: string; count: number }[]
  often_empty: { selector: string; count: number }[]
}

export interface Linted {
  studies: number
  without_facts: number
  protocols: LintedProtocol[]
  unmatched: { what: string; count: number }[]
}

const KEY = ['hanging']

export const useProtocols = () => useQuery({ queryKey: KEY, queryFn: ({ signal }) => request<{ items: LayeredProtocol[] }>('GET', '/api/hanging/layers', undefined, signal) })

/** Asked for by hand: it goes through a thousand studies. */
export const useLint = () => useMutation({ mutationFn: () => request<Linted>('GET', '/api/hanging/lint') })

export function useAddProtocol() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (made: { layer: Exclude<HangingLayer, 'shipped'>; role: string; enabled: boolean; document: unknown }) => request<LayeredProtocol>('POST', '/api/hanging/protocols', made),
    onSuccess: () => client.invalidateQueries({ queryKey: KEY }),
  })
}

export function useChangeProtocol() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ id, ...change }: { id: string; version: number; enabled?: boolean; document?: unknown }) => request<LayeredProtocol>('PATCH', `/api/hanging/protocols/${id}`, change),
    onSuccess: () => client.invalidateQueries({ queryKey: KEY }),
  })
}

export function useRemoveProtocol() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => request<undefined>('DELETE', `/api/hanging/protocols/${id}`),
    onSuccess: () => client.invalidateQueries({ queryKey: KEY }),
  })
}
