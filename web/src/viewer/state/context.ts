import { createContext, useContext, useSyncExternalStore } from 'react'
import { useStore } from 'zustand'
import { EMPTY_STATE, type Viewport, type ViewportState } from '../viewport/types'
import { type WorkspaceState } from './desk'
import { type Workspace } from './workspace'

const Context = createContext<Workspace | null>(null)

export const WorkspaceProvider = Context.Provider

export function useWorkspace(): Workspace {
  const workspace = useContext(Context)
  if (workspace === null) throw new Error('outside of a workspace')
  return workspace
}

export function useDesk<T>(select: (state: WorkspaceState) => T): T {
  return useStore(useWorkspace().store, select)
}

const never = (): (() => void) => () => undefined

/** The state of a viewport that may not exist yet. */
export function useViewportState(viewport: Viewport | undefined): ViewportState {
  return useSyncExternalStore(viewport?.subscribe ?? never, () => viewport?.state ?? EMPTY_STATE)
}

/** The viewport of the active pane; asked again whenever one is made or removed. */
export function useActiveViewport(): Viewport | undefined {
  const active = useDesk((state) => state.active)
  useDesk((state) => state.viewportCount)
  return useWorkspace().viewports.get(active)
}

/** One value of a viewport's state; a component that needs only this is not drawn again for every image. */
export function useViewportValue<T>(viewport: Viewport | undefined, select: (state: ViewportState) => T): T {
  return useSyncExternalStore(viewport?.subscribe ?? never, () => select(viewport?.state ?? EMPTY_STATE))
}
