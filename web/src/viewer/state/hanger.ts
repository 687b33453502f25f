import { type StudyManifest } from '@/api/types'
import { arrange, rank, stagesOf, type Fit } from '../hanging/match'
import { type LayeredProtocol, type Protocol } from '../hanging/protocol'
import { shownOf, type PlacedHang, type Shown } from '../hanging/shape'
import { matchable, relevantPriors, type Matchable } from '../hanging/study'
import { type HangingState } from './desk'

export interface HangTarget {
  hanging: () => HangingState | undefined
  /** Clears the panes and takes the layout; answers the number of this arrangement. */
  arrange: (shown: Shown, state: HangingState) => number
  hang: (placed: PlacedHang, protocol: Protocol, stage: number, arrangement: number) => Promise<void>
}

/** Hangs a study by protocols: on the manifest alone, without waiting for what the series say. */
export class Hanger {
  private study: Matchable | undefined
  private fits: Fit[] = []

  constructor(private readonly target: HangTarget) {}

  /** Hangs by the best fitting protocol, from its first stage or, on another screen, the one `at` that place; false when there is none that has something to show. */
  async begin(manifest: StudyManifest, protocols: readonly LayeredProtocol[], at = 0): Promise<boolean> {
    this.study = matchable(manifest)
    this.fits = rank(protocols, this.study.current, relevantPriors(manifest).length)
    for (const fit of this.fits) {
      if (fit.fits && (await this.apply(fit.protocol, undefined, at))) return true
    }
    return false
  }

  async choose(id: string): Promise<void> {
    const fit = this.fits.find(({ protocol }) => protocol.id === id)
    if (fit !== undefined) await this.apply(fit.protocol)
  }

  /** The next or previous stage that has something to show; round and round. */
  async step(direction: 1 | -1): Promise<void> {
    const state = this.target.hanging()
    if (state === undefined) return
    const at = state.stages.indexOf(state.stage)
    const next = state.stages[(at + direction + state.stages.length) % state.stages.length]
    if (next !== undefined) await this.apply(state.protocol, next)
  }

  async goTo(stage: number): Promise<void> {
    const state = this.target.hanging()
    if (state !== undefined) await this.apply(state.protocol, stage)
  }

  /** Back to what the protocol says. */
  async reset(): Promise<void> {
    const state = this.target.hanging()
    if (state !== undefined) await this.apply(state.protocol, state.stage)
  }

  private async apply(protocol: Protocol, wanted?: number, at = 0): Promise<boolean> {
    const { study } = this
    if (study === undefined) return false
    const stages = stagesOf(protocol, study.current, study.priors)
    const stage = wanted ?? stages[at % Math.max(1, stages.length)]
    const rule = stage === undefined ? undefined : protocol.stages[stage]
    if (stage === undefined || rule === undefined) return false
    const shown = shownOf(rule, arrange(protocol, stage, study.current, study.priors))
    const state: HangingState = { fits: this.fits, protocol, stages, stage, panes: shown.panes, changed: false }
    const arrangement = this.target.arrange(shown, state)
    const filled = shown.panes.filter((pane) => pane.selector !== '')
    const [first, ...others] = filled
    // What the reader looks at first has the line to itself.
    if (first !== undefined) await this.target.hang(first, protocol, stage, arrangement)
    await Promise.all(others.map((pane) => this.target.hang(pane, protocol, stage, arrangement)))
    return true
  }
}
