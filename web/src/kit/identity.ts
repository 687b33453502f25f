/**
 * One identity colour per open patient, the same in list, viewer, report and pop-out windows.
 * The slots live in localStorage, so that all windows of one browser agree; they hold opaque row ids only.
 */
export const IDENTITY_COLOURS = 8
const KEY = 'heliograph.patients.open'

export interface Slot {
  id: string
  colour: number
}

function hash(text: string): number {
  let value = 2166136261
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 16777619)
  }
  return value >>> 0
}

/** Gives `id` its colour: the kept one, else the one its id asks for, else the next free, else that of the longest unused. */
export function assignColour(slots: readonly Slot[], id: string): { slots: Slot[]; colour: number } {
  const known = slots.find((slot) => slot.id === id)
  const others = slots.filter((slot) => slot.id !== id)
  if (known !== undefined) return { slots: [...others, known], colour: known.colour }
  const taken = new Set(others.map((slot) => slot.colour))
  const wish = hash(id) % IDENTITY_COLOURS
  for (let step = 0; step < IDENTITY_COLOURS; step += 1) {
    const colour = (wish + step) % IDENTITY_COLOURS
    if (!taken.has(colour)) return { slots: [...others, { id, colour }], colour }
  }
  const [oldest, ...rest] = others
  const colour = oldest?.colour ?? wish
  return { slots: [...rest, { id, colour }], colour }
}

function read(): Slot[] {
  try {
    const value = JSON.parse(localStorage.getItem(KEY) ?? '[]') as unknown
    if (!Array.isArray(value)) return []
    return value.filter(
      (slot): slot is Slot =>
        typeof slot === 'object' &&
        slot !== null &&
        typeof (slot as Slot).id === 'string' &&
        Number.isInteger((slot as Slot).colour) &&
        (slot as Slot).colour >= 0 &&
        (slot as Slot).colour < IDENTITY_COLOURS,
    )
  } catch {
    return []
  }
}

/** Marks a patient as open and gives the CSS colour of its bar. */
export function openPatientColour(patientId: string): string {
  const { slots, colour } = assignColour(read(), patientId)
  localStorage.setItem(KEY, JSON.stringify(slots))
  return `var(--hg-patient-${colour})`
}

/** Patients that are open in some window, with their CSS colours. */
export function openPatients(): Map<string, string> {
  return new Map(read().map((slot) => [slot.id, `var(--hg-patient-${slot.colour})`]))
}

/** Forgets all open patients: on sign-out, so that the next person starts clean. */
export function forgetPatients(): void {
  localStorage.removeItem(KEY)
}
