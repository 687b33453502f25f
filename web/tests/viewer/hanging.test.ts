import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type SeriesFacts, type SeriesRow, type StudyManifest } from '@/api/types'
import { generalise, slugOf, studyRules, type SeenPane } from '@/viewer/hanging/capture'
import { arrange, holds, leftOut, rank, stagesOf, type MatchStudy } from '@/viewer/hanging/match'
import { type Constraint, type Layer, type Protocol } from '@/viewer/hanging/protocol'
import { shownOf, smallest } from '@/viewer/hanging/shape'
import { matchable } from '@/viewer/hanging/study'
import { isChestWallAt } from '@/viewer/hanging/wish'

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))

const shipped = read('../../../src/heliograph/features/reading/hanging/shipped.json') as Protocol[]
type Pane = [pane: number, selector: string, index: number, study: string, series: string, sop: string, score: number, at: number]
interface Case {
  layers: Layer[]
  current: MatchStudy
  priors: MatchStudy[]
  rank: [string, boolean, number][]
  stages: number[]
  panes: Pane[][]
  left_out: string[]
}
const cases = read('../../../tests/cases/hanging.json') as { holds: [Constraint, unknown, boolean][]; hangs: Case[] }

describe('the browser and the server answer alike', () => {
  it('of every constraint', () => {
    for (const [constraint, value, expected] of cases.holds) expect([constraint, value, holds(constraint, value)]).toEqual([constraint, value, expected])
  })

  it.each(cases.hangs)('of a whole study: $current.id', ({ layers, current, priors, rank: ranked, stages, panes, left_out }) => {
    const library = shipped.map((document, index) => ({ layer: layers[index] ?? 'shipped', document }))
    const fits = rank(library, current, priors.length)
    expect(fits.map(({ protocol, fits: fit, score }) => [protocol.id, fit, score])).toEqual(ranked)
    const protocol = fits.find((fit) => fit.fits)?.protocol
    if (protocol === undefined) return
    expect(stagesOf(protocol, current, priors)).toEqual(stages)
    const hung = stages.map((stage) => arrange(protocol, stage, current, priors))
    expect(hung.map((stage) => stage.map(({ pane, selector, index, study, series, sopUid, score, at }) => [pane, selector, index, study, series, sopUid, score, at]))).toEqual(panes)
    if (hung[0] !== undefined) expect(leftOut(current, hung[0])).toEqual(left_out)
  })

  it('never hangs a later study or another person as a prior (guards 4 and 7)', () => {
    for (const { current, priors } of cases.hangs) {
      const wrong = priors.filter((prior) => prior.relation !== 'prior' || prior.patient !== current.patient)
      for (const protocol of shipped) {
        protocol.stages.forEach((_, stage) => {
          for (const pane of arrange(protocol, stage, current, wrong)) expect(['', current.id]).toContain(pane.study)
        })
      }
    }
  })
})

describe('the shape of what is shown', () => {
  it.each([
    [1, { rows: 1, columns: 1 }],
    [2, { rows: 1, columns: 2 }],
    [3, { rows: 1, columns: 3 }],
    [4, { rows: 2, columns: 2 }],
    [5, { rows: 2, columns: 3 }],
  ])('%d pictures of two by three', (count, layout) => expect(smallest(count, { rows: 2, columns: 3 })).toEqual(layout))

  it('holds what it must, whatever the grid', () => {
    for (let rows = 1; rows <= 5; rows += 1)
      for (let columns = 1; columns <= 5; columns += 1)
        for (let count = 1; count <= rows * columns; count += 1) {
          const found = smallest(count, { rows, columns })
          expect(found.rows * found.columns).toBeGreaterThanOrEqual(count)
          expect(found.rows <= rows && found.columns <= columns).toBe(true)
        }
  })

  it('gives the room of empty panes to the others, unless the places are to be kept', () => {
    const pane = { index: 0, study: 's', series: 'a', sopUid: '', score: 1, at: 0 }
    const panes = ['x', '', 'y', ''].map((selector, number) => ({ ...pane, pane: number, selector }))
    const stage = { name: 'x', viewports: [], viewport_structure: { rows: 2, columns: 2 } }
    expect(shownOf(stage, panes).panes.map(({ pane: at, place }) => [at, place])).toEqual([[0, 0], [1, 2]])
    const kept = shownOf({ ...stage, viewport_structure: { rows: 2, columns: 2, keep_empty: true } }, panes)
    expect([kept.layout, kept.panes.length]).toEqual([{ rows: 2, columns: 2 }, 4])
  })
})

const facts = (own: Partial<SeriesFacts>): SeriesFacts => ({ sample: false, modality: 'MR', kind: 'image', plane: 'axial', body_part: 'HEAD', body_part_stated: '', laterality: '', contrast: null, ...own })
const row = (id: string, own: Partial<SeriesFacts>): SeriesRow => ({ id, frame_count: 20, facts: facts(own) }) as SeriesRow
const manifest = (series: SeriesRow[], priors: unknown[] = []): StudyManifest =>
  ({ study: { id: 's', patient: { id: 'p' } }, series, priors, hanging: { modalities: ['MR'], body_part: 'HEAD' } }) as unknown as StudyManifest
const seen = (series: SeriesRow, own: Partial<SeenPane> = {}): SeenPane => ({ series, isPrior: false, sopUid: '', initial: 'first', align: 'center', ...own })

describe('what is on the screen becomes a rule', () => {
  const [t1, t2, post, second] = [row('1', { family: 'T1', contrast: false }), row('2', { family: 'T2' }), row('3', { family: 'T1', contrast: true }), row('4', { family: 'T2' })]
  const study = manifest([t1, t2, post, second])
  const saved = generalise(study, { rows: 2, columns: 2 }, [seen(t2), seen(post), seen(second, { voi: { center: 40, width: 400 } }), undefined], 'Mein MRT', studyRules(study))

  it('that hangs the same study the same', () => {
    if (saved === undefined) throw new Error('nothing saved')
    const { current, priors } = matchable(study)
    expect(rank([{ layer: 'user', document: saved }], current, 0)[0]?.fits).toBe(true)
    expect(arrange(saved, 0, current, priors).map((pane) => pane.series)).toEqual(['2', '3', '4'])
    expect(saved.stages[0]?.viewport_structure.areas).toEqual([{ row: 0, column: 0 }, { row: 0, column: 1 }, { row: 1, column: 0 }])
    expect(saved.stages[0]?.viewports[2]?.display_sets[0]?.options).toEqual({ voi: { center: 40, width: 400 } })
  })

  it('and hangs another one by what its series are, in whatever order they came', () => {
    if (saved === undefined) throw new Error('nothing saved')
    const other = matchable(manifest([row('a', { family: 'T1', contrast: true }), row('b', { family: 'T2' }), row('c', { family: 'FLAIR' }), row('d', { family: 'T2' })]))
    expect(arrange(saved, 0, other.current, []).map((pane) => pane.series)).toEqual(['b', 'a', 'd'])
  })

  it('asks for an earlier study where one hung, and never for a person, a date or a number', () => {
    const prior = { ...study.study, id: 'old', relation: 'prior', relevance: { score: 90, reasons: [] }, study_date: '2024', series: [row('9', { family: 'T2' })] }
    const both = manifest([t1, t2], [prior])
    const made = generalise(both, { rows: 1, columns: 2 }, [seen(t2), seen(row('9', { family: 'T2' }), { isPrior: true })], 'Pair', studyRules(both))
    expect(made?.number_of_priors_referenced).toBe(1)
    const { current, priors } = matchable(both)
    if (made !== undefined) expect(arrange(made, 0, current, priors).map((pane) => pane.study)).toEqual(['s', 'old'])
    expect(JSON.stringify(made)).not.toMatch(/patient|date|number"|uid/)
  })

  it('has an id in whatever script its name is written', () => {
    expect([slugOf('CT Thorax, meins'), slugOf('我的'), slugOf('T1', new Set(['t1']))]).toEqual(['ct-thorax-meins', 'hanging', 't1-2'])
  })
})

it('mirrors a breast whose chest wall lies at the other side, and none that says nothing', () => {
  expect([isChestWallAt('P', 'right'), isChestWallAt('A', 'right'), isChestWallAt('AR', 'left'), isChestWallAt('', 'left')]).toEqual([true, false, true, undefined])
})
