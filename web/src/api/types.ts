/** Shapes of the server's `/api`, as docs/reference/openapi.json describes them. Ids are opaque text. */

export interface Page<T> {
  items: T[]
  next?: string | null
}

export const PERMISSIONS = [
  'study.read',
  'study.store',
  'study.export',
  'send.create',
  'node.query',
  'node.manage',
  'device.read',
  'device.manage',
  'quarantine.read',
  'quarantine.manage',
  'job.read',
  'job.manage',
  'alarm.read',
  'alarm.manage',
  'user.manage',
  'settings.read',
  'changes.read',
  'metrics.read',
  'audit.read',
  'security.read',
  'glass.break',
  'glass.review',
  'restriction.manage',
  'policy.manage',
  'site.manage',
  'tenant.manage',
  'workspace.manage',
  'study.mark',
] as const
export type Permission = (typeof PERMISSIONS)[number]

export const ROLES = ['admin', 'radiologist', 'technologist', 'viewer', 'privacy', 'referrer', 'patient', 'guest', 'researcher', 'operator'] as const

export interface Session {
  user: { id: string; name: string; display_name: string; roles: string[]; must_set_password?: boolean }
  csrf: string
  permissions: Permission[]
  site: { name: string; version: string; timezone: string }
  session: SessionFacts
}

export interface SessionFacts {
  id: string
  state: 'open' | 'locked' | 'enrolling'
  kind: 'person' | 'station'
  way: string
  expires_at: string
  idle_lock_minutes: number
  step_up_minutes: number
  /** By which ways the person can show that it is back, the quickest first. */
  proves_by: ('passkey' | 'pin' | 'totp' | 'password' | 'oidc')[]
}

export interface PatientSummary {
  id: string
  /** DICOM PN as sent: `alphabetic=ideographic=phonetic`. */
  name: string
  patient_id: string
  issuer: string
  birth_date: string
  sex: string
}

export type ArrivalState = 'receiving' | 'settled'

export interface StudyRow {
  id: string
  study_uid: string
  patient: PatientSummary
  study_date: string
  study_time: string
  timezone_offset: string
  accession_number: string
  description: string
  modalities: string[]
  body_part: string
  institution: string
  referring_physician: string
  series_count: number
  instance_count: number
  bytes: number
  state: ArrivalState
  received_at: string
  last_received_at: string
  held_count: number
  unverified: boolean
  source: string
  /** The kind of the patient's restriction, for who sees the study all the same. */
  restriction: '' | 'vip' | 'staff' | 'confidential'
  prior_count: number
}

export interface SeriesRow {
  id: string
  series_uid: string
  number: number | null
  modality: string
  description: string
  body_part: string
  laterality: string
  instance_count: number
  frame_count: number
  state: ArrivalState
  thumbnail_url: string
  document_url: string
  /** Where to ask for the copies of its images that can be read smallest first; null when there are none. */
  copies_url?: string | null
  held_count: number
  /** In the manifest: what hanging protocols ask of the series. */
  facts: SeriesFacts
}

/** One projection of a series whose images are each for themselves. */
export interface ImageFacts {
  readonly [name: string]: unknown
  sop_uid: string
  laterality: string
  view: string
  /** Patient Orientation of the rows and of the columns. */
  orientation: string[]
  tomosynthesis: boolean
  for_presentation: boolean
  derived: boolean
  frames: number
}

export interface SeriesFacts {
  readonly [name: string]: unknown
  /** True while they are from a few images only. */
  sample: boolean
  modality: string
  kind: string
  plane: string
  body_part: string
  body_part_stated: string
  laterality: string
  contrast: boolean | null
  family?: string
  kernel?: string
  views?: string[]
  images?: ImageFacts[]
}

/** What hanging protocols ask of a study. */
export interface HangingFacts {
  modalities: string[]
  body_part: string
  body_parts: string[]
  laterality: string
  planes: string[]
  families: string[]
  kernels: string[]
  views: string[]
  tomosynthesis: boolean
  contrast: boolean
  series_count: number
  picture_count: number
}

/** Another study of the patient, as the manifest tells it. */
export interface PriorRow extends StudyRow {
  relation: 'prior' | 'later' | 'undated'
  relevance: { score: number; reasons: string[] }
  /** Reports and other papers in it. */
  documents: number
  /** Of the most relevant ones, so that they hang without another question. */
  series?: SeriesRow[]
}

/** Copies of the images of a series: of each frame, how many bytes hold each resolution, smallest first; none for a frame without a copy. */
export interface SeriesCopies {
  mark: string
  items: { id: string; instance_id: string; digest: string; frames: number[][] }[]
}

export interface StudyDetail extends StudyRow {
  series: SeriesRow[]
}

export type StudySort =
  | 'received_at'
  | 'study_date'
  | 'patient_name'
  | 'patient_id'
  | 'accession_number'
  | 'modality'
  | 'instances'

export interface StudyQuery {
  text?: string
  patient_name?: string
  patient_id?: string
  accession_number?: string
  modalities?: string[]
  date_from?: string
  date_to?: string
  state?: 'receiving' | 'settled' | 'held'
  sort?: StudySort
  descending?: boolean
  cursor?: string
  limit?: number
}

/** Studies of a patient that are there only behind the glass; told to who may break it. */
export interface WithheldStudies {
  patient: string
  issuer: string
  count: number
}

export interface StudyPage extends Page<StudyRow> {
  count: number
  count_is_exact: boolean
  withheld: WithheldStudies[]
}

export interface Difference {
  attribute: string
  stored: string
  held: string
}

export interface HeldObject {
  id: string
  reason_code: string
  reason: string
  difference: Difference[]
}

export interface StudyManifest {
  study: StudyRow
  revision: string
  series: SeriesRow[]
  hanging: HangingFacts
  priors: PriorRow[]
  held: HeldObject[]
  instance_count: number
  /** The emergency access through which this person sees the patient. */
  emergency: { id: string; expires_at: string } | null
}

/** One attribute of the DICOM JSON model (PS3.18 F.2). */
export interface DicomJsonAttribute {
  vr: string
  Value?: unknown[]
  BulkDataURI?: string
  InlineBinary?: string
}
export type DicomJson = Record<string, DicomJsonAttribute>

export interface DocumentInstance {
  sop_uid: string
  sop_class: string
  number: number | null
  frames: number
  transfer_syntax: string
  attributes: DicomJson
  digest: string
  frame_urls_base: string
  /** Why its pixels cannot be had; `object_damaged`: they are known not to be what was received. */
  problem?: string
}

export interface SeriesDocument {
  series_uid: string
  study_uid: string
  revision: string
  settled: boolean
  instance_count: number
  shared: DicomJson
  instances: DocumentInstance[]
}

export type Service = 'echo' | 'store' | 'find' | 'move' | 'get'

export interface Device {
  id: string
  aet: string
  host: string
  port: number | null
  description: string
  allow: Service[]
  pinned: boolean
  verified: boolean
  certified_until: string | null
  default_issuer: string
  last_seen_at: string | null
  stored_count: number
  problems: string[]
  answer_success_when_held: boolean
}

export interface DeviceDraft {
  aet: string
  host: string
  port: number | null
  description: string
  allow: Service[]
  pinned: boolean
  default_issuer: string
}

export interface WantsIn {
  id: string
  aet: string
  address: string
  first_seen_at: string
  last_seen_at: string
  associations: number
  stored_count: number
  refused_count: number
  proposals: string[]
}

export interface EchoResult {
  ok: boolean
  ms: number | null
  error: string | null
}

export interface RemoteNode {
  id: string
  name: string
  aet: string
  host: string
  port: number
  kind: string
}

export type RemoteNodeDraft = Omit<RemoteNode, 'id'>

export interface NodeQuery {
  patient_name?: string
  patient_id?: string
  accession_number?: string
  study_date?: string
  modality?: string
  study_uid?: string
}

/** A study as a remote node described it: every field may be missing. */
export interface RemoteStudy {
  study_uid: string
  patient_name?: string
  patient_id?: string
  birth_date?: string
  sex?: string
  study_date?: string
  study_time?: string
  accession_number?: string
  description?: string
  modalities?: string[]
  instance_count?: number | null
}

export type SendState = 'queued' | 'sending' | 'done' | 'failed' | 'waiting' | 'cancelled'

export interface Send {
  id: string
  study_id: string
  what: string
  node: string
  state: SendState
  done: number
  total: number
  failed: number
  attempts: number
  next_attempt_at: string | null
  error: string | null
  created_at: string
}

export interface Rule {
  id: string
  name: string
  enabled: boolean
  node_id: string
  modalities: string[]
  device_ids: string[]
}

export type RuleDraft = Omit<Rule, 'id'>

export interface QuarantineItem {
  id: string
  received_at: string
  door: string
  source: string
  reason_code: string
  reason: string
  sop_class: string
  study_uid: string
  study_id: string | null
  bytes: number
  difference: Difference[]
  can_release: boolean
  state: 'held' | 'released' | 'discarded'
  decided_by: string | null
  decided_at: string | null
  decided_reason: string | null
}

export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

export interface Job {
  id: string
  kind: string
  /** The server's English title; kinds that the client knows have a translated one with these values. */
  title: string
  values?: Record<string, string>
  state: JobState
  done: number
  total: number | null
  unit: string
  error: string | null
  created_at: string
  started_at: string | null
  finished_at: string | null
  can_cancel: boolean
  can_retry: boolean
}

export interface Alarm {
  id: string
  kind: string
  /** Name of the translated sentences, with the values that they need. */
  code?: string
  values?: Record<string, string | number>
  severity: 'critical' | 'warning'
  message: string
  mend: string
  since: string
  acknowledged_by: string | null
}

export interface LifeEvent {
  at: string
  /** Name of the translated sentence, with the values that it needs. */
  code: string
  values: Record<string, string | number>
  /** The sentence in English, for codes that this client does not know. */
  text: string
  severity: 'ok' | 'info' | 'warning' | 'critical'
  mend?: { code: string; text: string; link: string } | null
}

export interface WhereAnswer {
  what: string
  study_id?: string | null
  study_uid?: string
  events: LifeEvent[]
}

export interface UploadItem {
  name: string
  outcome: string
  /** Name of the translated sentence; empty when the server has only its own. */
  reason_code?: string
  reason: string | null
}

export interface UploadResult {
  job_id?: string | null
  stored: number
  identical: number
  held: number
  refused: number
  items: UploadItem[]
}

export interface User {
  id: string
  name: string
  display_name: string
  roles: string[]
  disabled_at: string | null
  has_password: boolean
  last_seen_at: string | null
  kind: 'person' | 'station'
  /** From where the person signs in, empty for here. */
  directory: string
  has_totp: boolean
  passkeys: number
  sessions: number
  everywhere: boolean
  site_ids: number[]
  department_ids: number[]
  clearances: string[]
  /** The second factor was reset and there is no new one yet. */
  must_enrol: boolean
  recovery_left: number
}

export interface About {
  version: string
  site: string
  dicom: { aet: string; host: string; port: number }
  dicomweb: string
  counts: { studies: number; instances: number; bytes: number; held: number }
  storage: { kind: string; free_bytes: number | null }
}

export interface UserDraft {
  name: string
  display_name: string
  roles: string[]
}

export interface Token {
  id: string
  name: string
  scopes: string[]
  created_at: string
  last_used_at: string | null
  expires_at: string | null
  revoked_at: string | null
}

export interface Setting {
  name: string
  value: unknown
  source: 'flag' | 'env' | 'file' | 'default'
  doc: string
}

export type StreamMessage =
  | { kind: 'hello' }
  | { kind: 'study.changed' | 'study.arrived' | 'job.changed' | 'send.changed' | 'marks.changed'; id: string }
  | { kind: 'device.changed' | 'quarantine.changed' | 'alarm.changed' | 'glass.changed' }

/** RFC 9457 problem document. */
export interface Problem {
  type?: string
  title: string
  status: number
  code: string
  detail?: string
}
