import { type StackPane } from '../viewport/pane'

const panes = new Map<string, StackPane>()

/** The drawing library's tools know a viewport by id only. */
export const registerPane = (pane: StackPane): void => {
  panes.set(pane.id, pane)
}

export const unregisterPane = (pane: StackPane): void => {
  if (panes.get(pane.id) === pane) panes.delete(pane.id)
}

export const paneById = (id: string): StackPane | undefined => panes.get(id)

export const allPanes = (): StackPane[] => [...panes.values()]
