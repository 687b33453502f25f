import { describe, expect, it } from 'vitest'
import { assignColour, IDENTITY_COLOURS, type Slot } from '@/kit/identity'

describe('identity colours', () => {
  it('stay with a patient', () => {
    const first = assignColour([], 'p1')
    const other = assignColour(first.slots, 'p2')
    expect(assignColour(other.slots, 'p1').colour).toBe(first.colour)
  })

  it('differ between patients as long as there are colours', () => {
    let slots: Slot[] = []
    const colours = new Set<number>()
    for (let index = 0; index < IDENTITY_COLOURS; index += 1) {
      const next = assignColour(slots, `patient ${index}`)
      slots = next.slots
      colours.add(next.colour)
    }
    expect(colours.size).toBe(IDENTITY_COLOURS)
  })

  it('are taken from the patient that was longest unused', () => {
    let slots: Slot[] = []
    for (let index = 0; index < IDENTITY_COLOURS; index += 1) slots = assignColour(slots, `patient ${index}`).slots
    slots = assignColour(slots, 'patient 0').slots
    const freed = slots.find((slot) => slot.id === 'patient 1')?.colour
    const next = assignColour(slots, 'new')
    expect(next.colour).toBe(freed)
    expect(next.slots.map((slot) => slot.id)).not.toContain('patient 1')
    expect(next.slots).toHaveLength(IDENTITY_COLOURS)
  })
})
