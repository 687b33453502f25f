import { type NodeQuery } from '@/api/types'
import { readTypedDate } from '@/kit/format/dicomdate'

/** The keys by which a remote node is asked, with the names of their fields. */
export const FIELDS = [
  ['patient_name', 'column.patient'],
  ['patient_id', 'column.id'],
  ['accession_number', 'column.accession'],
  ['study_date', 'column.study_date'],
  ['modality', 'column.modality'],
] as const

/** Only the keys that somebody filled in; a typed date becomes a DICOM date. */
export function toNodeQuery(fields: Readonly<Record<string, string>>): NodeQuery {
  const query: NodeQuery = {}
  for (const [key] of FIELDS) {
    const value = (fields[key] ?? '').trim()
    if (value !== '') query[key] = key === 'study_date' ? (readTypedDate(value) ?? value) : value
  }
  return query
}
