import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { request, requestText } from './client'
import { keys } from './keys'
import { type PagedList, joined } from './pages'
import { type Page } from './types'

export type Outcome = 'success' | 'refused' | 'failed'
export type ActorKind = 'user' | 'token' | 'device' | 'caller' | 'system'

export interface AuditQuestion {
  since?: string
  until?: string
  actor?: string
  actor_kind?: ActorKind
  address?: string
  events?: string[]
  kinds?: string[]
  outcome?: Outcome
  patient_id?: string
}

export interface AuditRow {
  id: string
  number: number | null
  at: string
  kind: string
  event: string
  outcome: Outcome
  actor: { kind: string; id: string; name: string; address: string }
  subject: Record<string, unknown>
  detail: Record<string, unknown>
  study: { id: string; patient_id: string; issuer: string } | null
}

export interface Place {
  number: number
  sealed_at: string
  leaf: string
  chain: string
  unchanged: boolean
  checkpoint: { number: number; size: number; at: string; key: string; signed: boolean; holds: boolean } | null
}

export interface WhoSawQuestion {
  patient_id: string
  since?: string
  until?: string
}

export interface Viewer {
  kind: string
  id: string
  name: string
  display_name: string
  first_at: string
  last_at: string
  count: number
  kinds: string[]
  addresses: (string | null)[]
  studies: number
}

export interface WhoSaw {
  studies: number
  items: Viewer[]
  truncated: boolean
}

export interface LogState {
  log: string
  events: number
  waiting: number
  checkpoint: number
  checkpoint_size: number
  checkpoint_at: string | null
  key: string
  keys: number
  receivers: { name: string; sent: number; waiting: number; failing_since: string | null; error: string }[]
}

export interface Verification {
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled'
  started_at: string
  finished_at: string | null
  events: number
  findings: string[]
}

export interface ObjectProof {
  sop_uid: string
  received_at: string
  sha256: string
  event: number
  event_id: string
  checkpoint: number | null
  key: string
  unchanged: boolean
  findings: string[]
  proof: Record<string, unknown>
}

export interface Security {
  at: string
  days: number
  peers: {
    devices: number
    certified: number
    pinned: number
    unproved: number
    seen_today: number
    wants_in: number
    unproved_devices: { id: string; aet: string; host: string; last_seen_at: string | null }[]
    receiving: { source: string; address: string; since: string }[]
  }
  refused: { name: string; address: string; reason: string; count: number; first_at: string; last_at: string }[]
  sign_ins: {
    failed: number
    unknown: number
    people: { user_id: string; name: string; failed: number; last_at: string; addresses: string[]; locked: boolean }[]
    addresses: { address: string; failed: number; people: number; unknown: number; last_at: string; locked: boolean }[]
    minutes: number
  }
  certificates: { valid: number; soon: number; over: number; revoked: number; next: { fingerprint: string; aet: string; not_after: string }[] }
  own_certificates: { name: 'ca' | 'server'; not_after: string }[]
  doors: { https: boolean; dicom_tls: boolean; syslog: boolean; unknown_peers: string; plaintext: string; second_factor: string } | null
  sessions: { sessions: number; people: number; stations: number; locked: number; without_second_factor: number }
  tokens: { active: number; endless: number; unused: number }
  glass: { recent: number; unreviewed: number; overdue: number }
  audit: LogState | null
}

export interface Finding {
  rule: string
  severity: 'warning' | 'look'
  actor_kind: ActorKind
  actor_id: string
  actor_name: string
  first_at: string
  last_at: string
  count: number
  usual: number | null
  peers: number | null
  hours: number[]
  patient_id: string
  detail: Record<string, unknown>
}

export interface Unusual {
  at: string
  days: number
  usual_days: number
  items: Finding[]
  truncated: boolean
}

export interface Certificate {
  fingerprint: string
  device_id: string | null
  aet: string | null
  subject: string
  serial: string
  is_own: boolean
  not_before: string
  not_after: string
  revoked_at: string | null
  revoke_reason: string
}

export interface CertificateMade {
  aet: string
  fingerprint: string
  not_after: string
  certificate_pem: string
  key_pem: string
  authority_pem: string
  pkcs12: string
  password: string
}

export interface Authority {
  subject: string
  fingerprint: string
  not_after: string
  pem: string
}

const RENEWED_MS = 60_000

export const useSecurity = (days: number) =>
  useQuery({
    queryKey: ['security', days],
    queryFn: ({ signal }) => request<Security>('GET', `/api/security?days=${days}`, undefined, signal),
    refetchInterval: RENEWED_MS,
  })
export const useUnusual = (days: number) =>
  useQuery({
    queryKey: ['security', 'unusual', days],
    queryFn: ({ signal }) => request<Unusual>('GET', `/api/security/unusual?days=${days}`, undefined, signal),
  })

/** Rows of the log, latest first, as far as somebody has read. Read once: every reading stands in the log itself. */
export function useAudit(question: AuditQuestion): PagedList<AuditRow> {
  const list = useInfiniteQuery({
    queryKey: ['audit', 'rows', question],
    queryFn: ({ pageParam, signal }) =>
      request<Page<AuditRow>>('POST', '/api/audit/search', { ...question, ...(pageParam === null ? {} : { cursor: pageParam }) }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page<AuditRow>) => last.next ?? null,
    refetchOnWindowFocus: false,
  })
  const { data } = list
  const shown = useMemo(() => (data === undefined ? undefined : { items: joined(data.pages) }), [data])
  return {
    data: shown,
    read: shown?.items.length ?? 0,
    isLoading: list.isLoading,
    error: list.error,
    refetch: list.refetch,
    hasMore: list.hasNextPage,
    loadingMore: list.isFetchingNextPage,
    more: () => {
      if (!list.isFetching) void list.fetchNextPage()
    },
  }
}

export const useAuditEvent = (id: string) =>
  useQuery({
    queryKey: ['audit', 'event', id],
    queryFn: ({ signal }) => request<AuditRow & { place: Place | null }>('GET', `/api/audit/events/${encodeURIComponent(id)}`, undefined, signal),
    refetchOnWindowFocus: false,
  })
export const useAuditState = () =>
  useQuery({
    queryKey: ['audit', 'state'],
    queryFn: ({ signal }) => request<{ log: LogState | null; verification: Verification | null }>('GET', '/api/audit/state', undefined, signal),
    refetchInterval: (query) => (['queued', 'running'].includes(query.state.data?.verification?.state ?? '') ? 1500 : RENEWED_MS),
  })
export function useVerifyLog() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => request<{ job_id: string }>('POST', '/api/audit/verify'),
    onSuccess: () => client.invalidateQueries({ queryKey: ['audit', 'state'] }),
  })
}
export const useWhoSaw = () => useMutation({ mutationFn: (body: WhoSawQuestion) => request<WhoSaw>('POST', '/api/audit/patient', body) })
export const useProof = () => useMutation({ mutationFn: (sop_uid: string) => request<ObjectProof>('POST', '/api/audit/proof', { sop_uid }) })
export const rowsSheet = (question: AuditQuestion): Promise<string> => requestText('POST', '/api/audit/search/sheet', question)
export const patientSheet = (body: WhoSawQuestion): Promise<string> => requestText('POST', '/api/audit/patient/sheet', body)

export const useCertificates = () =>
  useQuery({
    queryKey: ['certificates'],
    queryFn: ({ signal }) => request<Page<Certificate>>('GET', '/api/certificates', undefined, signal),
  })
export const useAuthority = (enabled: boolean) =>
  useQuery({ queryKey: ['authority'], queryFn: ({ signal }) => request<Authority>('GET', '/api/authority', undefined, signal), enabled })

function useCertificateAct<In, Out>(act: (input: In) => Promise<Out>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: act,
    onSuccess: async () => {
      await Promise.all([client.invalidateQueries({ queryKey: ['certificates'] }), client.invalidateQueries({ queryKey: keys.devices })])
    },
  })
}

export interface CertificateWish {
  days?: number
  rsa?: boolean
  csr?: string
  certificate?: string
}

export const useCertify = () =>
  useCertificateAct(({ deviceId, ...wish }: CertificateWish & { deviceId: string }) =>
    request<CertificateMade>('POST', `/api/devices/${encodeURIComponent(deviceId)}/certificates`, wish),
  )
export const useRevoke = () =>
  useCertificateAct(({ fingerprint, reason }: { fingerprint: string; reason: string }) =>
    request('POST', `/api/certificates/${encodeURIComponent(fingerprint)}/revoke`, { reason }),
  )
