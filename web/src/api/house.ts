import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { request } from './client'

/** The installation: organisations on it, and what one caller may take. */

export interface Organisation {
  id: string
  /** Short, for sign-in (`name@organisation`) and the console. */
  name: string
  display_name: string
  titles: string[]
  hosts: string[]
  created_at: string
  closed_at: string | null
  is_house: boolean
}

export interface OrganisationDraft {
  name: string
  display_name: string
  titles: string[]
  hosts: string[]
}

export interface Limits {
  items: { what: string; who: string; address: string; count: number; first_at: string; last_at: string }[]
  volumes: { device_id: string; aet: string; instances: number; bytes: number; most_instances: number; most_bytes: number }[]
  token_volumes: { token_id: string; name: string; instances: number; bytes: number; most_instances: number; most_bytes: number }[]
  limits: {
    new_associations_per_minute: number
    associations: number
    associations_of_address: number
    hourly_instances: number
    hourly_bytes: number
    token_hourly_instances: number
    token_hourly_bytes: number
    requests_per_minute: number
    sign_in_tries: number
    sign_in_tries_of_address: number
    sign_in_minutes: number
  }
}

const ORGANISATIONS = ['tenants']
const RENEWED_MS = 60_000

export const useOrganisations = () =>
  useQuery({ queryKey: ORGANISATIONS, queryFn: ({ signal }) => request<{ items: Organisation[] }>('GET', '/api/tenants', undefined, signal) })

function useAct<In, Out>(act: (input: In) => Promise<Out>) {
  const client = useQueryClient()
  return useMutation({ mutationFn: act, onSuccess: () => client.invalidateQueries({ queryKey: ORGANISATIONS }) })
}

export const useAddOrganisation = () => useAct((draft: OrganisationDraft) => request<Organisation & { link: string }>('POST', '/api/tenants', draft))
export const useSaveOrganisation = () =>
  useAct(({ id, draft }: { id: string; draft: Partial<OrganisationDraft> }) => request<Organisation>('PATCH', `/api/tenants/${encodeURIComponent(id)}`, draft))
export const useCloseOrganisation = () => useAct((id: string) => request<Organisation>('POST', `/api/tenants/${encodeURIComponent(id)}/close`))
export const useOpenOrganisation = () => useAct((id: string) => request<Organisation>('POST', `/api/tenants/${encodeURIComponent(id)}/open`))

export const useLimits = (hours: number) =>
  useQuery({
    queryKey: ['limits', hours],
    queryFn: ({ signal }) => request<Limits>('GET', `/api/limits?hours=${hours}`, undefined, signal),
    refetchInterval: RENEWED_MS,
  })
