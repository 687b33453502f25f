import { readdirSync, readFileSync } from 'node:fs'
import i18next from 'i18next'
import { beforeAll, expect, it } from 'vitest'
import { alarmMend, alarmText, CAUSES, causeText, jobText, reasonText } from '@/kit/life'
import de from '@/locales/de/app.json'

beforeAll(async () => {
  await i18next.init({ lng: 'de', resources: { de: { translation: de } } })
})

const DISK = { message: 'The disk is full: 512 MB are free. New objects are refused; senders keep them.', mend: 'Free space.' }

it('says alarms in the language of the reader, and in the words of the server what it does not know', () => {
  const { t } = i18next
  expect(alarmText(t, { ...DISK, code: 'disk_critical', values: { megabytes: 512 } })).toContain('512 MB sind frei')
  expect(alarmMend(t, { ...DISK, code: 'disk_critical', values: { megabytes: 512 } })).toContain('Platz schaffen')
  expect(alarmText(t, { ...DISK, code: 'jobs', values: { count: 1 } })).toBe('1 Auftrag ist am letzten Tag gescheitert.')
  expect(alarmText(t, { ...DISK, code: 'jobs', values: { count: 3 } })).toBe('3 Aufträge sind am letzten Tag gescheitert.')
  expect(alarmText(t, { ...DISK, code: 'stalled', values: { source: 'CT1' } })).toContain('CT1 hat eine offene Übertragung')
  expect(alarmText(t, { ...DISK, code: 'something_new', values: { count: 1 } })).toBe(DISK.message)
  expect(alarmText(t, { ...DISK, code: 'jobs', values: {} })).toBe(DISK.message)
  expect(alarmText(t, DISK)).toBe(DISK.message)
})

it('says what a job does, with the name of the node where there is one', () => {
  const { t } = i18next
  expect(jobText(t, { kind: 'verify', title: 'Verify all objects' })).toBe('Jedes gespeicherte Objekt prüfen')
  expect(jobText(t, { kind: 'retrieve', title: 'Fetch a study from MAIN', values: { node: 'MAIN' } })).toBe('Studie von MAIN holen')
  expect(jobText(t, { kind: 'retrieve', title: 'Fetch a study from MAIN' })).toBe('Fetch a study from MAIN')
  expect(jobText(t, { kind: 'other', title: 'Something else' })).toBe('Something else')
})

it('says why a file was not taken', () => {
  expect(reasonText(i18next.t, 'not_dicom', 'not a DICOM object')).toBe('Dies ist kein DICOM-Objekt.')
  expect(reasonText(i18next.t, 'bad_identifier', 'an identifier is not a valid UID: StudyInstanceUID')).toMatch(/UID.*: StudyInstanceUID$/)
  expect(reasonText(i18next.t, '', 'the folder cannot be read')).toBe('the folder cannot be read')
})

it('knows the causes by sentences that the server really says', () => {
  const folders = ['gateways/dimse', 'engine/jobs'].map((name) => new URL(`../../../src/heliograph/${name}/`, import.meta.url))
  const source = folders.flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith('.py')).map((name) => readFileSync(new URL(name, folder), 'utf8'))).join('\n')
  for (const [beginning, problem] of CAUSES) {
    expect(source, beginning).toContain(beginning)
    expect(i18next.exists(`problem.${problem}`), problem).toBe(true)
  }
  expect(causeText(i18next.t, 'the other node rejected the association: called AE title not recognized')).toContain('Die Gegenseite weist uns ab')
  expect(causeText(i18next.t, 'something else')).toBe('something else')
  expect(causeText(i18next.t, null)).toBe('')
})
