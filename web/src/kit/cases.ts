/** The list from which the reader came, in its order: where the next case is. Ids alone, and only while this page lives. */
let cases: readonly string[] = []

export function setCases(ids: readonly string[]): void {
  cases = ids
}

/** The case before or after one in the list; nothing at its ends, and when the reader did not come from a list. */
export function caseBeside(studyId: string, direction: 1 | -1): string | undefined {
  const at = cases.indexOf(studyId)
  return at < 0 ? undefined : cases[at + direction]
}

let opening: (studyId: string) => void = () => undefined

/** Names who is told that a study is about to be opened, before the page has turned to it. */
export function onOpening(listener: (studyId: string) => void): void {
  opening = listener
}

export const tellOpening = (studyId: string): void => opening(studyId)
