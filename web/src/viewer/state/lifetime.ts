import { publishHook } from '../hook'
import { Workspace } from './workspace'

/** Starts a workspace when somebody looks and stops it when nobody does; a second look begins anew. */
export class Lifetime {
  private workspace: Workspace | undefined
  private withdraw: () => void = () => undefined
  private readonly listeners = new Set<() => void>()

  constructor(
    private readonly studyId: string,
    private readonly stageAt = 0,
  ) {}

  readonly current = (): Workspace | undefined => this.workspace

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    if (this.listeners.size === 1) this.begin()
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size === 0) this.end()
    }
  }

  private begin(): void {
    const workspace = new Workspace(this.studyId, this.stageAt)
    this.workspace = workspace
    this.withdraw = publishHook(workspace)
    workspace.start()
    for (const listener of [...this.listeners]) listener()
  }

  private end(): void {
    this.withdraw()
    this.workspace?.stop()
    this.workspace = undefined
  }
}
