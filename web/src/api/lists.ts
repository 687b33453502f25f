import { type QueryKey, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { request } from './client'
import { keys } from './keys'
import { usePages } from './pages'
import {
  type About,
  type Alarm,
  type Device,
  type DeviceDraft,
  type EchoResult,
  type Job,
  type NodeQuery,
  type Page,
  type QuarantineItem,
  type RemoteNode,
  type RemoteNodeDraft,
  type RemoteStudy,
  type Rule,
  type RuleDraft,
  type Send,
  type SendState,
  type Service,
  type Setting,
  type Token,
  type User,
  type UserDraft,
  type WantsIn,
} from './types'

const path = (...parts: string[]): string => `/api/${parts.map(encodeURIComponent).join('/')}`

/** A list that the server gives whole, or its newest page. */
function useList<T>(key: QueryKey, url: string, enabled = true) {
  return useQuery({ queryKey: key, queryFn: ({ signal }) => request<Page<T>>('GET', url, undefined, signal), enabled })
}

/** An act whose success makes the lists under `touches` old. */
function useAct<In, Out>(act: (input: In) => Promise<Out>, touches: readonly QueryKey[]) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: act,
    onSuccess: async () => {
      await Promise.all(touches.map((queryKey) => client.invalidateQueries({ queryKey })))
    },
  })
}

export const useDevices = (enabled = true) => useList<Device>(keys.devices, '/api/devices', enabled)
export const useWantsInPages = () => usePages<WantsIn>([...keys.wantsIn, 'pages'], '/api/devices/wants-in?limit=100')
export const useSaveDevice = () =>
  useAct(
    ({ id, draft }: { id: string | null; draft: Partial<DeviceDraft> }) =>
      id === null ? request<Device>('POST', '/api/devices', draft) : request<Device>('PATCH', path('devices', id), draft),
    [keys.devices],
  )
export const useDeleteDevice = () => useAct((id: string) => request('DELETE', path('devices', id)), [keys.devices])
export const echoDevice = (id: string): Promise<EchoResult> => request('POST', path('devices', id, 'echo'))
export const useAcceptDevice = () =>
  useAct(
    ({ id, ...body }: { id: string; allow: Service[]; port?: number }) =>
      request('POST', path('devices', 'wants-in', id, 'accept'), body),
    [keys.devices],
  )
export const useDismissDevice = () => useAct((id: string) => request('DELETE', path('devices', 'wants-in', id)), [keys.devices])

export const useNodes = (enabled = true) => useList<RemoteNode>(keys.nodes, '/api/nodes', enabled)
export const useSaveNode = () =>
  useAct(
    ({ id, draft }: { id: string | null; draft: RemoteNodeDraft }) =>
      id === null ? request<RemoteNode>('POST', '/api/nodes', draft) : request<RemoteNode>('PATCH', path('nodes', id), draft),
    [keys.nodes],
  )
export const useDeleteNode = () => useAct((id: string) => request('DELETE', path('nodes', id)), [keys.nodes])
export const echoNode = (id: string): Promise<EchoResult> => request('POST', path('nodes', id, 'echo'))
export const queryNode = (id: string, query: NodeQuery, signal?: AbortSignal): Promise<{ items: RemoteStudy[]; truncated: boolean }> =>
  request('POST', path('nodes', id, 'query'), query, signal)
export const useRetrieve = () =>
  useAct(
    ({ nodeId, studyUid }: { nodeId: string; studyUid: string }) =>
      request<{ job_id: string }>('POST', path('nodes', nodeId, 'retrieve'), { study_uid: studyUid }),
    [keys.jobs],
  )

export const useSends = (state?: SendState) =>
  useList<Send>([...keys.sends, state ?? 'all'], state === undefined ? '/api/sends' : `/api/sends?state=${state}`)
export const useSendPages = (state?: SendState) =>
  usePages<Send>([...keys.sends, 'pages', state ?? 'all'], state === undefined ? '/api/sends' : `/api/sends?state=${state}`)
export const useSend = () =>
  useAct(
    (body: { study_id: string; series_id?: string; node_id: string }) => request<{ id: string }>('POST', '/api/sends', body),
    [keys.sends],
  )
export const useResend = () => useAct((id: string) => request('POST', path('sends', id, 'resend')), [keys.sends])
export const useCancelSend = () => useAct((id: string) => request('POST', path('sends', id, 'cancel')), [keys.sends])

export const useRules = () => useList<Rule>(keys.rules, '/api/rules')
export const useSaveRule = () =>
  useAct(
    ({ id, draft }: { id: string | null; draft: Partial<RuleDraft> }) =>
      id === null ? request<Rule>('POST', '/api/rules', draft) : request<Rule>('PATCH', path('rules', id), draft),
    [keys.rules],
  )
export const useDeleteRule = () => useAct((id: string) => request('DELETE', path('rules', id)), [keys.rules])

export const useQuarantinePages = (state: 'held' | 'released' | 'discarded') =>
  usePages<QuarantineItem>([...keys.quarantine, 'pages', state], `/api/quarantine?state=${state}`)
export const useRelease = () =>
  useAct(({ id, reason }: { id: string; reason: string }) => request('POST', path('quarantine', id, 'release'), { reason }), [
    keys.quarantine,
    keys.studies,
  ])
export const useDiscard = () =>
  useAct(({ id, reason }: { id: string; reason: string }) => request('POST', path('quarantine', id, 'discard'), { reason }), [
    keys.quarantine,
    keys.studies,
  ])

export const useJobs = (enabled = true) => useList<Job>(keys.jobs, '/api/jobs', enabled)
export const useJobPages = () => usePages<Job>([...keys.jobs, 'pages'], '/api/jobs')
export const useCancelJob = () => useAct((id: string) => request('POST', path('jobs', id, 'cancel')), [keys.jobs])
export const useRetryJob = () => useAct((id: string) => request('POST', path('jobs', id, 'retry')), [keys.jobs])

export const useAlarms = (enabled = true) => useList<Alarm>(keys.alarms, '/api/alarms', enabled)
export const useAcknowledge = () => useAct((id: string) => request('POST', path('alarms', id, 'acknowledge')), [keys.alarms])

export const useUsers = () => useList<User>(keys.users, '/api/users')
export const useSaveUser = () =>
  useAct(
    ({ id, draft }: { id: string; draft: { display_name?: string; roles?: string[]; disabled?: boolean } }) =>
      request<{ id: string }>('PATCH', path('users', id), draft),
    [keys.users],
  )
/** A new person; the answer carries the code of a one-time link. */
export const useAddUser = () =>
  useAct((draft: UserDraft) => request<{ id: string; link: string }>('POST', '/api/users', draft), [keys.users])
/** The code of a new one-time link. */
export const makeUserLink = (id: string): Promise<{ link: string }> => request('POST', path('users', id, 'link'))

export const useTokens = () => useList<Token>(keys.tokens, '/api/tokens')
export const useMakeToken = () =>
  useAct((body: { name: string; scopes: string[] }) => request<{ token: string }>('POST', '/api/tokens', body), [keys.tokens])
export const useDeleteToken = () => useAct((id: string) => request('DELETE', path('tokens', id)), [keys.tokens])

export const useSettings = (enabled = true) =>
  useQuery({
    queryKey: keys.settings,
    queryFn: ({ signal }) => request<Page<Setting>>('GET', '/api/settings', undefined, signal),
    enabled,
  })
export const useAbout = () =>
  useQuery({ queryKey: keys.about, queryFn: ({ signal }) => request<About>('GET', '/api/about', undefined, signal) })
