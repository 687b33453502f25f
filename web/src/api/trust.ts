import { type QueryKey, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { request } from './client'
import { keys } from './keys'

/** Who may see what: places, rules, restrictions, ties, emergency access. */

export const RESTRICTIONS = ['vip', 'staff', 'confidential'] as const
export type Restriction = (typeof RESTRICTIONS)[number]
export const TIES = ['referrer', 'reader', 'guest', 'project'] as const
export type TieKind = (typeof TIES)[number]

export interface Department {
  id: number
  name: string
  closed_at: string | null
  studies: number
  people: number
}

export interface Site {
  id: number
  name: string
  timezone: string
  closed_at: string | null
  /** Takes what has no other place; it cannot be closed. */
  is_first: boolean
  studies: number
  people: number
  devices: number
  departments: Department[]
}

export interface PlacedDevice {
  id: string
  aet: string
  description: string
  site_id: number | null
  department_id: number | null
  site_ids: number[]
}

export type Tree = readonly [string, ...unknown[]]

export interface AccessRule {
  name: string
  effect: 'allow' | 'withhold'
  actions: string[]
  when: string
  breakable: boolean
}

export interface ToldRule extends AccessRule {
  tree: Tree
}

export interface PolicyVersion {
  version: number
  rules: AccessRule[]
  comment: string
  created_at: string | null
  created_by: string
}

export interface Policy {
  version: number
  rules: ToldRule[]
  versions: PolicyVersion[]
  names: { name: string; kind: string; docs: string }[]
}

export interface RuleProblem {
  rule: number | null
  at: number | null
  code: string
  message: string
}

export interface PolicyPreview {
  items: { kind: 'user' | 'token' | 'device'; id: string; name: string; roles: string[]; before: number; after: number; gains: number; loses: number }[]
  studies: number
  is_all: boolean
  asked: number
}

export interface FoundStudy {
  id: string
  study_uid: string
  study_date: string
  modalities: string[]
  accession_number: string
  site: string
}

export type RuleValue = boolean | number | string | number[] | string[]

export interface Explanation {
  may_read: boolean
  policy_version: number
  verdict: 'allowed' | 'disabled' | 'no_permission' | 'no_rule' | 'withheld' | 'withheld_breakable'
  deciding: string[]
  may_break_glass: boolean
  glass_is_broken: boolean
  rules: {
    name: string
    effect: 'allow' | 'withhold'
    breakable: boolean
    holds: boolean
    when: string
    reasons: { text: string; holds: boolean; values: Record<string, RuleValue>; tree: Tree }[]
  }[]
}

export interface MarkedPatient {
  id: string
  patient_id: string
  issuer: string
  name: string
  birth_date: string
  sex: string
  restriction: Restriction | ''
  reason: string
  restricted_at: string | null
  restricted_by: string
  studies: number
}

export interface StudyTies {
  patient: string
  restriction: Restriction | ''
  reason: string
  restricted_at: string | null
  restricted_by: string
  site: string | null
  department: string
  ties: { tie: TieKind; subject: string; name: string; until: string | null; created_at: string; created_by: string }[]
}

export const FINDINGS = ['justified', 'unjustified', 'unclear'] as const
export type Finding = (typeof FINDINGS)[number]

export interface Glass {
  id: string
  user_id: string
  user_name: string
  display_name: string
  patient: string
  patient_id: string
  issuer: string
  restriction: Restriction | ''
  reason_code: string
  reason: string
  granted_at: string
  expires_at: string
  ended_at: string | null
  review_due_at: string
  reviewed_by: string | null
  reviewed_at: string | null
  finding: Finding | null
  comment: string
}

export interface SeenStudy {
  study_id: string
  study_date: string
  modalities: string[]
  description: string
  first_at: string
  last_at: string
  count: number
  kinds: string[]
}

export interface UserDetail {
  id: string
  is_shut_out: boolean
  patients: { id: string; patient_id: string; issuer: string }[]
  projects: string[]
  ties: { study_id: string; tie: TieKind; until: string | null; created_at: string }[]
  last_signed_in_at: string | null
}

export const trust = {
  sites: ['sites'],
  policy: ['policy'],
  restricted: ['restricted'],
  glass: ['glass'],
} as const satisfies Record<string, QueryKey>

const path = (...parts: (string | number)[]): string => `/api/${parts.map((part) => encodeURIComponent(part)).join('/')}`

function useAct<In, Out>(act: (input: In) => Promise<Out>, touches: readonly QueryKey[]) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: act,
    onSuccess: async () => {
      await Promise.all(touches.map((queryKey) => client.invalidateQueries({ queryKey })))
    },
  })
}

function useRead<T>(queryKey: QueryKey, url: string, enabled = true) {
  return useQuery({ queryKey, queryFn: ({ signal }) => request<T>('GET', url, undefined, signal), enabled })
}

export const useSites = (enabled = true) => useRead<{ items: Site[]; devices: PlacedDevice[] }>(trust.sites, '/api/sites', enabled)
export const useAddSite = () => useAct((body: { name: string; timezone: string }) => request<{ id: number }>('POST', '/api/sites', body), [trust.sites])
export const useSaveSite = () =>
  useAct(({ id, ...body }: { id: number; name?: string; timezone?: string; closed?: boolean }) => request('PATCH', path('sites', id), body), [trust.sites])
export const useAddDepartment = () =>
  useAct(({ site, name }: { site: number; name: string }) => request('POST', path('sites', site, 'departments'), { name }), [trust.sites])
export const useSaveDepartment = () =>
  useAct(({ id, ...body }: { id: number; name?: string; closed?: boolean }) => request('PATCH', path('departments', id), body), [trust.sites])
export const usePlaceDevice = () =>
  useAct(
    ({ id, ...body }: { id: string; site_id: number | null; department_id: number | null; site_ids: number[] }) =>
      request('POST', path('devices', id, 'place'), body),
    [trust.sites, keys.devices],
  )

export const useUserDetail = (id: string) => useRead<UserDetail>([...keys.users, id], path('users', id))
export const usePlaceUser = () =>
  useAct(
    ({ id, ...body }: { id: string; everywhere?: boolean; site_ids?: number[]; department_ids?: number[]; clearances?: string[] }) =>
      request('POST', path('users', id, 'place'), body),
    [keys.users, trust.sites],
  )
export const useIsPatient = () =>
  useAct(({ id, patient }: { id: string; patient: string }) => request('POST', path('users', id, 'is-patient', patient)), [keys.users])
export const useIsNotPatient = () =>
  useAct(({ id, patient }: { id: string; patient: string }) => request('DELETE', path('users', id, 'is-patient', patient)), [keys.users])
export const useSetProjects = () =>
  useAct(({ id, projects }: { id: string; projects: string[] }) => request('PUT', path('users', id, 'projects'), { projects }), [keys.users])

export const usePolicy = () => useRead<Policy>(trust.policy, '/api/policy')
export interface CheckedRules {
  /** As they were sent, so that each finds its answer. */
  asked: AccessRule[]
  /** One for each, null for one that cannot be read. */
  rules: (ToldRule | null)[]
  problems: RuleProblem[]
}

export const checkRules = async (rules: AccessRule[], signal?: AbortSignal): Promise<CheckedRules> => ({
  asked: rules,
  ...(await request<Omit<CheckedRules, 'asked'>>('POST', '/api/policy/check', { rules }, signal)),
})
export const previewRules = (rules: AccessRule[]): Promise<PolicyPreview> => request('POST', '/api/policy/preview', { rules })
export const useSavePolicy = () =>
  useAct(
    (body: { rules: AccessRule[]; comment: string; expected_version: number }) => request<{ version: number }>('POST', '/api/policy', body),
    [trust.policy],
  )
export const findStudies = (text: string): Promise<{ items: FoundStudy[] }> => request('POST', '/api/policy/studies', { text })
export const explainAccess = (body: { user_id: string; study_id: string }): Promise<Explanation> => request('POST', '/api/policy/explain', body)

export const useRestricted = () => useRead<{ items: MarkedPatient[] }>(trust.restricted, '/api/patients/restricted')
export const findPatients = (patient_id: string): Promise<{ items: MarkedPatient[] }> => request('POST', '/api/patients/find', { patient_id })
export const useRestrict = () =>
  useAct(
    ({ patient, ...body }: { patient: string; restriction: Restriction | ''; reason: string }) =>
      request('POST', path('patients', patient, 'restriction'), body),
    [trust.restricted, ['ties']],
  )

export const useTies = (study: string, enabled = true) => useRead<StudyTies>(['ties', study], path('studies', study, 'ties'), enabled)
export const useTie = () =>
  useAct(
    ({ study, ...body }: { study: string; tie: TieKind; subject: string; until: string | null }) => request('POST', path('studies', study, 'ties'), body),
    [['ties'], keys.users],
  )
export const useUntie = () =>
  useAct(
    ({ study, ...body }: { study: string; tie: TieKind; subject: string }) => request('POST', path('studies', study, 'ties', 'remove'), body),
    [['ties'], keys.users],
  )

export const useGlassWaiting = (enabled: boolean) =>
  useRead<{ count: number; overdue: number }>([...trust.glass, 'waiting'], '/api/glass/waiting', enabled)
export const searchGlass = (
  body: { state: 'waiting' | 'reviewed' | ''; text: string; cursor: string | null },
  signal?: AbortSignal,
): Promise<{ items: Glass[]; next: string | null }> => request('POST', '/api/glass/search', body, signal)
export const useSeen = (id: string) => useRead<{ items: SeenStudy[]; studies: number }>([...trust.glass, 'seen', id], path('glass', id, 'seen'))
export const useReview = () =>
  useAct(
    ({ id, ...body }: { id: string; finding: Finding; comment: string }) => request<Glass>('POST', path('glass', id, 'review'), body),
    [trust.glass],
  )
export const useEndGlass = () => useAct((id: string) => request('POST', path('glass', id, 'end')), [trust.glass])
