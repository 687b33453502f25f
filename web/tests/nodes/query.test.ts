import { expect, it } from 'vitest'
import { toNodeQuery } from '@/features/nodes/query'

it('asks a remote node only for what was filled in', () => {
  expect(toNodeQuery({ patient_name: ' Mei* ', patient_id: '', modality: ' ' })).toEqual({ patient_name: 'Mei*' })
})

it('turns a typed date into a DICOM date and leaves ranges as they are', () => {
  expect(toNodeQuery({ study_date: '2026-11-22' })).toEqual({ study_date: '20261122' })
  expect(toNodeQuery({ study_date: '20260101-20261231' })).toEqual({ study_date: '20260101-20261231' })
})
