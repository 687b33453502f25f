import { createStore, type StoreApi } from 'zustand/vanilla'
import { request } from '@/api/client'
import { useLive } from '@/api/live'
import { type PriorRow, type StudyManifest, type StudyRow } from '@/api/types'
import { type Plane, type Vec3 } from '@/dicom/geometry'
import { type Stack } from '@/dicom/series'
import { protocols } from '../hanging/library'
import { type Protocol } from '../hanging/protocol'
import { paneCount, type Layout, type PlacedHang, type Shown } from '../hanging/shape'
import { initialIndex, NO_WISH, wishOf, type Wish } from '../hanging/wish'
import { MarkDesk } from '../marks/markdesk'
import { AS_STORED, frameQueue } from '../pixels/framequeue'
import { preloadFirstLook } from '../pixels/copies'
import { type ToolName, type Viewport } from '../viewport/types'
import { START, type Drawing, type HangingState, type Hung, type WorkspaceState } from './desk'
import { Documents } from './documents'
import { Hanger } from './hanger'
import { Links } from './links'
import { Pointer } from './pointer'
import { Seen } from './seen'
import { arrivals, firstSeries, openStudy, sameFrame, type OpenStudy, type SeriesEntry } from './studies'

const REFRESH_MS = 700
/** Windows with room for the side panel from the start, and without room even for the series column. */
const WIDE_PX = 1600
const NARROW_PX = 600
/** Longest wait for the first picture before the drawing code is loaded all the same. */
const PATIENCE_MS = 2500

const replaced = <T>(list: readonly T[], at: number, value: T): T[] => list.map((item, index) => (index === at ? value : item))

/** One study on the reader's desk, with what lies beside it. Made anew for every case: nothing is carried over. */
export class Workspace {
  readonly store: StoreApi<WorkspaceState> = createStore(() => START)
  /** The viewports that exist now, by pane. */
  readonly viewports = new Map<number, Viewport>()
  private readonly abort = new AbortController()
  private readonly documents = new Documents({
    entry: (studyId, seriesId) => this.study(studyId)?.series.find(({ row }) => row.id === seriesId),
    replace: (studyId, entry) => this.replaceEntry(studyId, entry),
    signal: this.abort.signal,
  })
  readonly hanger = new Hanger({
    hanging: () => this.state.hanging,
    arrange: (shown, state) => this.arrange(shown, state),
    hang: (placed, protocol, stage, arrangement) => this.wish(this.hangPlaced(placed, protocol, stage, arrangement)),
  })
  readonly links = new Links(this.viewports)
  readonly seen = new Seen()
  readonly pointer = new Pointer()
  /** Told where the reader has scrolled to, for the other windows of the desk. */
  private onScrolled: ((plane: Plane) => void) | undefined
  private isFollowing = false
  private fresh: StudyManifest | undefined
  private refreshTimer: ReturnType<typeof setTimeout> | undefined
  private stopListening: () => void = () => undefined
  private drawingTimer: ReturnType<typeof setTimeout> | undefined
  private drawingWanted = false
  private hangCount = 0
  private arrangements = 0
  private wishes = 0
  /** Until the reader takes a tool, the left button does what the kind of picture asks for: clips are scrubbed. */
  private toolChosen = false
  /** What is drawn on the studies of the desk. */
  readonly marks = new MarkDesk()
  /** One set of tools for all viewports; there once the drawing code is. */
  tools: InstanceType<Drawing['ReadingTools']> | undefined

  private openCase: (direction: 1 | -1) => void = () => undefined

  /** `stageAt`: which of the stages a window hangs first: a second screen shows the second. */
  constructor(
    readonly studyId: string,
    private readonly stageAt = 0,
  ) {}

  get state(): WorkspaceState {
    return this.store.getState()
  }

  set(change: Partial<WorkspaceState>): void {
    this.store.setState(change)
  }

  /**
   * Asks for the study first, and for the drawing library when the first picture is on the screen (or cannot be without it):
   * the library keeps the page busy while it starts.
   */
  start(): void {
    this.store.subscribe(({ studies }, before) => {
      if (studies !== before.studies) this.marks.setStudies(studies)
    })
    void this.loadStudy()
    this.drawingTimer = setTimeout(() => this.needDrawing(), PATIENCE_MS)
    this.stopListening = useLive.subscribe((now, before) => {
      const isOurs = now.changed !== before.changed && now.changed[0] === this.studyId
      const isBack = now.returns !== before.returns
      if (isBack && this.state.status === 'failed') {
        this.retry()
        return
      }
      if (isBack) this.lookAgain()
      if (isOurs || isBack) this.refreshSoon()
    })
  }

  stop(): void {
    this.abort.abort()
    this.pointer.stop()
    this.stopListening()
    clearTimeout(this.refreshTimer)
    clearTimeout(this.drawingTimer)
    this.marks.stop()
    for (const study of this.state.studies) frameQueue.dropStudy(study.row.study_uid)
    this.state.drawing?.ReadingTools.clearMarks()
    this.tools?.destroy()
    this.state.drawing?.forgetFrames()
  }

  addViewport(pane: number, viewport: Viewport): void {
    this.viewports.set(pane, viewport)
    if (viewport.hasTools) this.tools?.addViewport(viewport.id)
    this.set({ viewportCount: this.state.viewportCount + 1 })
  }

  removeViewport(pane: number, viewport: Viewport): void {
    if (this.viewports.get(pane) === viewport) this.viewports.delete(pane)
    if (viewport.hasTools) this.tools?.removeViewport(viewport.id)
    this.set({ viewportCount: this.state.viewportCount + 1 })
  }

  pickTool(tool: ToolName): void {
    this.toolChosen = true
    this.useTool(tool)
  }

  private useTool(tool: ToolName): void {
    this.tools?.use(tool)
    this.set({ tool })
  }

  /** True while something that the reader wished for waits for the archive: what hangs is not yet what was asked for. */
  get isWaiting(): boolean {
    return this.wishes > 0
  }

  private async wish<T>(work: Promise<T>): Promise<T> {
    this.wishes += 1
    try {
      return await work
    } finally {
      this.wishes -= 1
    }
  }

  /** Guard 4: whether pictures of a study may be painted now. */
  isOnScreen(studyUid: string): boolean {
    return this.state.studies.some((study) => study.row.study_uid === studyUid) && !this.abort.signal.aborted
  }

  study(studyId: string): OpenStudy | undefined {
    return this.state.studies.find((study) => study.row.id === studyId)
  }

  /** How the page opens the next or previous case of the reader's list. */
  whenCaseWanted(open: (direction: 1 | -1) => void): void {
    this.openCase = open
  }

  stepCase(direction: 1 | -1): void {
    this.openCase(direction)
  }

  activeViewport(): Viewport | undefined {
    return this.viewports.get(this.state.active)
  }

  /** Panes that the layout shows, in reading order. */
  visiblePanes(): number[] {
    const { layout, enlarged } = this.state
    if (enlarged !== undefined) return [enlarged]
    return Array.from({ length: paneCount(layout) }, (_, index) => index)
  }

  activate(pane: number): void {
    if (pane !== this.state.active) this.set({ active: pane })
  }

  hang(pane: number, studyId: string, stack: Stack, index = 0, wish: Wish = NO_WISH): void {
    this.hangCount += 1
    if (stack.kind !== 'images') this.needDrawing()
    if (!this.toolChosen && pane === this.state.active) this.useTool(stack.kind === 'images' && stack.isCine ? 'scroll' : 'window')
    const hung: Hung = { studyId, stack, index, count: this.hangCount, wish }
    this.set({ panes: replaced(this.state.panes, pane, hung), missed: replaced(this.state.missed, pane, undefined) })
  }

  /** The reader has hung something otherwise than the protocol says. */
  private hangingChanged(): void {
    const { hanging } = this.state
    if (hanging !== undefined && !hanging.changed) this.set({ hanging: { ...hanging, changed: true } })
  }

  /** A protocol's layout, its panes empty and waiting. */
  private arrange({ layout, panes }: Shown, hanging: HangingState): number {
    this.arrangements += 1
    const waits = new Set(panes.filter((pane) => pane.selector !== '').map(({ pane }) => pane))
    this.set({
      layout,
      hanging,
      enlarged: undefined,
      active: 0,
      cursor: undefined,
      panes: START.panes,
      missed: START.missed,
      awaited: START.awaited.map((_, pane) => waits.has(pane)),
    })
    return this.arrangements
  }

  /** Hangs what a protocol found for a pane, unless the reader has chosen otherwise meanwhile. */
  private async hangPlaced(placed: PlacedHang, protocol: Protocol, stage: number, arrangement: number): Promise<void> {
    const { pane, study, series, sopUid, place, at } = placed
    const prior = this.state.priors.find((row) => row.id === study)
    if (study !== this.studyId && (prior === undefined || !(await this.bringPrior(prior)))) {
      this.await(pane, false)
      return
    }
    const entry = await this.loadSeries(study, series)
    if (arrangement !== this.arrangements || this.state.awaited[pane] !== true || this.abort.signal.aborted) return
    this.await(pane, false)
    const stacks = entry?.stacks ?? []
    const stack = stacks.find((one) => sopUid !== '' && one.kind === 'images' && one.frames.some((frame) => frame.sopUid === sopUid)) ?? stacks[0]
    if (stack === undefined) {
      this.set({ missed: replaced(this.state.missed, pane, { studyId: study, seriesId: series }) })
      return
    }
    const rule = protocol.stages[stage]?.viewports[place]
    if (stack.kind === 'document') this.hang(pane, study, stack)
    else this.hang(pane, study, stack, initialIndex(stack, sopUid, rule?.viewport_options?.initial_image), wishOf(stack, rule, at))
  }

  /** Pictures of a stage that wants it are equally large in the patient, as large as the one with the least room allows. */
  sizeTogether(): void {
    const { hanging } = this.state
    const isWanted = hanging !== undefined && hanging.protocol.stages[hanging.stage]?.same_scale === true
    if (!isWanted || this.state.enlarged !== undefined) return
    const scales = [...this.viewports].flatMap(([pane, viewport]) => {
      const scale = viewport.state.status === 'ready' ? viewport.fittingScale() : undefined
      return scale === undefined ? [] : [{ pane, viewport, scale }]
    })
    const largest = Math.min(...scales.map(({ scale }) => scale))
    for (const { pane, viewport } of scales) viewport.hold({ align: this.state.panes[pane]?.wish.align ?? 'center', largest })
  }

  /** What hangs in two panes changes places. */
  swap(a: number, b: number): void {
    const { panes, missed } = this.state
    if (a === b) return
    const changed = [...panes]
    const index = (pane: number): number => this.viewports.get(pane)?.state.index ?? 0
    const moved = (hung: Hung | undefined, from: number): Hung | undefined => {
      this.hangCount += 1
      return hung && { ...hung, index: index(from), count: this.hangCount }
    }
    ;[changed[a], changed[b]] = [moved(panes[b], b), moved(panes[a], a)]
    this.hangingChanged()
    this.set({ panes: changed, missed: replaced(replaced(missed, a, missed[b]), b, missed[a]), active: b })
  }

  /** Hangs a series by its row, as soon as its document is there. */
  async hangSeries(pane: number, studyId: string, seriesId: string, stackId = ''): Promise<void> {
    this.activate(pane)
    this.hangingChanged()
    this.await(pane, true)
    const entry = await this.wish(this.loadSeries(studyId, seriesId))
    this.await(pane, false)
    const stack = entry?.stacks.find((candidate) => candidate.id === stackId) ?? entry?.stacks[0]
    if (stack !== undefined) this.hang(pane, studyId, stack)
    else this.set({ panes: replaced(this.state.panes, pane, undefined), missed: replaced(this.state.missed, pane, { studyId, seriesId }) })
  }

  private await(pane: number, awaited: boolean): void {
    this.set({ awaited: replaced(this.state.awaited, pane, awaited) })
  }

  async setLayout(layout: Layout): Promise<void> {
    const shown = paneCount(layout)
    this.hangingChanged()
    this.set({ layout, enlarged: undefined, active: this.state.active < shown ? this.state.active : 0 })
    for (const pane of this.visiblePanes()) {
      if (this.state.panes[pane] === undefined) await this.wish(this.hangNextInto(pane))
    }
  }

  /** The next (or previous) stack of the study in the active pane. */
  async step(direction: 1 | -1): Promise<void> {
    const { active, panes } = this.state
    const study = this.study(panes[active]?.studyId ?? this.studyId)
    if (study === undefined) return
    await this.wish(Promise.all(study.series.map(({ row }) => this.loadSeries(study.row.id, row.id))))
    const stacks = this.study(study.row.id)?.series.flatMap((entry) => entry.stacks) ?? []
    // Asked only now: two quick steps while the archive still answers are two steps.
    const hung = this.state.panes[active]
    const at = stacks.findIndex((stack) => stack.id === hung?.stack.id)
    const next = stacks[at + direction]
    if (next === undefined) return
    this.hangingChanged()
    this.hang(active, study.row.id, next)
  }

  /** Opens another study of the patient beside this one, without hanging it; false when it cannot be had. */
  private async bringPrior(row: PriorRow): Promise<boolean> {
    try {
      await this.bringStudy(row.id)
      return this.study(row.id)?.isOtherPatient === false
    } catch {
      return false
    }
  }

  private async bringStudy(studyId: string): Promise<void> {
    if (this.study(studyId) !== undefined) return
    const manifest = await request<StudyManifest>('GET', `/api/studies/${studyId}/manifest`, undefined, this.abort.signal)
    const current = this.state.manifest?.study
    if (this.study(studyId) === undefined) this.set({ studies: [...this.state.studies, openStudy(manifest, current)] })
    void this.loadRest(studyId)
  }

  async openPrior(row: StudyRow): Promise<void> {
    await this.bringStudy(row.id)
    if (paneCount(this.state.layout) === 1) this.set({ layout: { rows: 1, columns: 2 }, enlarged: undefined })
    const others = this.visiblePanes().filter((pane) => pane !== this.state.active)
    const target = others.find((pane) => this.state.panes[pane] === undefined) ?? others[0] ?? 0
    const entry = firstSeries(this.study(row.id)?.series ?? [])
    if (entry !== undefined) await this.hangSeries(target, row.id, entry.row.id)
  }

  /** The papers of an earlier study beside the pictures; of the most relevant one that has any, when none is named. */
  async openReports(wanted?: PriorRow): Promise<void> {
    const row = wanted ?? [...this.state.priors].filter((one) => one.documents > 0 && one.relation === 'prior').sort((a, b) => b.relevance.score - a.relevance.score)[0]
    if (row === undefined) return
    await this.bringStudy(row.id)
    const paper = this.study(row.id)?.series.find((entry) => entry.row.facts.kind === 'report' || entry.row.facts.kind === 'document')
    if (paper === undefined) return
    const { active } = this.state
    if (paneCount(this.state.layout) === 1) this.set({ layout: { rows: 1, columns: 2 }, enlarged: undefined })
    const others = this.visiblePanes().filter((pane) => pane !== active)
    const target = others.find((pane) => this.state.panes[pane] === undefined) ?? others.at(-1) ?? active
    await this.hangSeries(target, row.id, paper.row.id)
    this.activate(active)
  }

  closeStudy(studyId: string): void {
    if (studyId === this.studyId) return
    this.set({
      panes: this.state.panes.map((hung) => (hung?.studyId === studyId ? undefined : hung)),
      studies: this.state.studies.filter((study) => study.row.id !== studyId),
    })
  }

  /** Scrolls the other panes to where the reader has scrolled this one. */
  follow(pane: number): void {
    const { linked, active } = this.state
    if (!linked || pane !== active) return
    this.links.follow(pane)
    const plane = this.links.planeOf(pane)
    if (plane !== undefined && !this.isFollowing) this.onScrolled?.(plane)
  }

  tellScrolls(listener: ((plane: Plane) => void) | undefined): void {
    this.onScrolled = listener
  }

  /** Another window of the desk has scrolled: this one goes along and does not tell it back. */
  followPlane(plane: Plane): void {
    if (!this.state.linked) return
    this.isFollowing = true
    this.links.followPlane(plane)
    this.isFollowing = false
  }

  /** What is seen now side by side belongs together: from here the panes are scrolled by the same distance. */
  setOffsetHere(): void {
    this.links.setOffsets(this.state.active, this.visiblePanes())
    this.set({ linked: true, offsets: this.state.offsets + 1 })
  }

  /** All panes that share the frame of reference go to a point of the patient, and show where it is. */
  goToPoint(point: Vec3, frameOfReference: string): void {
    if (frameOfReference === '') return
    this.set({ cursor: { point, frameOfReference } })
    this.links.goTo(this.state.active, point, frameOfReference)
  }

  /** Shows what has arrived since: only when the reader asks, and each pane stays at its image. */
  async showArrivals(): Promise<void> {
    const fresh = this.fresh
    if (fresh === undefined) return
    this.fresh = undefined
    const shown = this.study(this.studyId)
    if (shown === undefined) return
    const before = this.state.panes
    const places = before.map((_, pane) => this.viewports.get(pane)?.state.index ?? 0)
    this.documents.forget()
    const study = openStudy(fresh, undefined)
    this.set({
      manifest: fresh,
      held: fresh.held,
      priors: fresh.priors,
      arrived: undefined,
      studies: this.state.studies.map((open) => (open.row.id === this.studyId ? study : open)),
    })
    await this.wish(Promise.all(study.series.map(({ row }) => this.loadSeries(this.studyId, row.id))))
    const stacks = this.study(this.studyId)?.series.flatMap((entry) => entry.stacks) ?? []
    before.forEach((hung, pane) => {
      if (hung?.studyId !== this.studyId) return
      const stack = stacks.find((candidate) => candidate.id === hung.stack.id)
      if (stack !== undefined) this.hang(pane, this.studyId, stack, sameFrame(hung.stack, places[pane] ?? 0, stack))
    })
  }

  loadSeries(studyId: string, seriesId: string): Promise<SeriesEntry | undefined> {
    return this.documents.load(studyId, seriesId)
  }

  /** The drawing library is needed now. */
  needDrawing(): void {
    if (this.drawingWanted || this.abort.signal.aborted) return
    this.drawingWanted = true
    void this.loadDrawing()
  }

  private async loadDrawing(): Promise<void> {
    try {
      const drawing = await import('../viewport/drawing')
      if (this.abort.signal.aborted) return
      drawing.startEngine()
      drawing.ReadingTools.clearMarks()
      this.tools = new drawing.ReadingTools()
      this.tools.use(this.state.tool)
      this.set({ drawing })
      this.marks.attach(drawing)
    } catch {
      this.set({ drawingFailed: true })
    }
  }

  /** The server is back: what it could not give is asked for again, nothing else moves. */
  private lookAgain(): void {
    const { active } = this.state
    for (const viewport of this.viewports.values()) viewport.retry()
    this.state.missed.forEach((missed, pane) => {
      if (missed !== undefined) void this.hangSeries(pane, missed.studyId, missed.seriesId)
    })
    this.activate(active)
  }

  /** Asks once more for a study that could not be opened. */
  retry(): void {
    this.set({ status: 'loading', error: undefined })
    void this.loadStudy()
  }

  private async loadStudy(): Promise<void> {
    try {
      const rules = protocols()
      const manifest = await request<StudyManifest>('GET', `/api/studies/${this.studyId}/manifest`, undefined, this.abort.signal)
      const study = openStudy(manifest, undefined)
      const panel = manifest.priors.length > 0 && window.innerWidth >= WIDE_PX ? 'priors' : 'none'
      const thumbnails = window.innerWidth >= NARROW_PX
      this.set({ status: 'ready', manifest, held: manifest.held, priors: manifest.priors, studies: [study], panel, thumbnails })
      if (!(await this.hanger.begin(manifest, await rules, this.stageAt))) await this.hangFirst(study)
      void this.loadRest(this.studyId)
    } catch (error) {
      if (!this.abort.signal.aborted) this.set({ status: 'failed', error })
    }
  }

  private async hangFirst(study: OpenStudy): Promise<void> {
    const first = firstSeries(study.series)
    if (first === undefined) this.await(0, false)
    else await this.hangSeries(0, this.studyId, first.row.id)
  }

  /** The other series documents, one after another, behind what the reader waits for. */
  private async loadRest(studyId: string): Promise<void> {
    for (const { row } of this.study(studyId)?.series ?? []) {
      if (this.abort.signal.aborted) return
      await this.loadSeries(studyId, row.id)
    }
  }

  /** The first frame is on its way before the drawing code is there; later the viewport asks for its own. */
  private preloadFirst(entry: SeriesEntry): void {
    const stack = entry.stacks[0]
    if (this.state.drawing !== undefined || stack?.kind !== 'images') return
    const frame = stack.frames[0]
    if (frame !== undefined && this.state.panes.every((hung) => hung === undefined) && !preloadFirstLook(frame)) frameQueue.preload(frame.url, AS_STORED, frame.digest)
  }

  private replaceEntry(studyId: string, entry: SeriesEntry): void {
    if (entry.status === 'ready') this.preloadFirst(entry)
    if (entry.status === 'failed') this.needDrawing()
    const studies = this.state.studies.map((study) =>
      study.row.id === studyId ? { ...study, series: study.series.map((old) => (old.row.id === entry.row.id ? entry : old)) } : study,
    )
    this.set({ studies })
  }

  private async hangNextInto(pane: number): Promise<void> {
    const study = this.study(this.studyId)
    const hung = new Set(this.state.panes.map((item) => item?.stack.id))
    for (const { row } of study?.series ?? []) {
      const entry = await this.loadSeries(this.studyId, row.id)
      const stack = entry?.stacks.find((candidate) => candidate.kind === 'images' && !hung.has(candidate.id))
      if (stack !== undefined) {
        this.hang(pane, this.studyId, stack)
        return
      }
    }
  }

  /** Many objects arrive in a burst; one question answers for all of them. */
  private refreshSoon(): void {
    clearTimeout(this.refreshTimer)
    this.refreshTimer = setTimeout(() => void this.refresh(), REFRESH_MS)
  }

  private async refresh(): Promise<void> {
    const shown = this.study(this.studyId)
    if (shown === undefined) return
    try {
      const fresh = await request<StudyManifest>('GET', `/api/studies/${this.studyId}/manifest`, undefined, this.abort.signal)
      const arrived = arrivals(shown, fresh)
      const changed = arrived.images > 0 || arrived.series > 0 || arrived.replaced
      this.fresh = changed ? fresh : undefined
      this.set({ held: fresh.held, priors: fresh.priors, arrived: changed ? arrived : undefined })
      if (!changed) this.settle(fresh)
    } catch {
      // The line is down: the shell says so, and the next message or reconnection asks again.
    }
  }

  /** Same objects, newer state: "still receiving" ends without anything moving. */
  private settle(fresh: StudyManifest): void {
    const rows = new Map(fresh.series.map((row) => [row.id, row]))
    this.set({
      manifest: fresh,
      studies: this.state.studies.map((study) =>
        study.row.id === this.studyId
          ? { ...study, row: fresh.study, revision: fresh.revision, series: study.series.map((entry) => ({ ...entry, row: rows.get(entry.row.id) ?? entry.row })) }
          : study,
      ),
    })
  }
}
