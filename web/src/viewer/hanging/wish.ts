import { valueUnit } from '@/dicom/units'
import { type ImageStack } from '@/dicom/series'
import { makeWindow } from '@/dicom/window'
import { presetNamed, type VoiChoice } from '../viewport/presets'
import { type ViewportRule } from './protocol'

/** How a protocol wants a picture to be seen. */
export interface Wish {
  choice?: VoiChoice
  invert?: boolean
  align: 'left' | 'center' | 'right'
}

export const NO_WISH: Wish = { align: 'center' }

export function initialIndex(stack: ImageStack, sopUid: string, initial: 'first' | 'middle' | 'last' = 'first'): number {
  if (sopUid !== '') {
    const own = stack.frames.flatMap((frame, index) => (frame.sopUid === sopUid ? [index] : []))
    return (initial === 'middle' ? own[Math.floor(own.length / 2)] : initial === 'last' ? own.at(-1) : own[0]) ?? 0
  }
  if (initial === 'middle') return Math.floor(stack.frames.length / 2)
  return initial === 'last' ? stack.frames.length - 1 : 0
}

/** A named window of Hounsfield units is for pictures in Hounsfield units and for nothing else (guard 11). */
export function wishOf(stack: ImageStack, rule: ViewportRule | undefined, at: number): Wish {
  const display = [...(rule?.display_sets ?? []), ...(rule?.otherwise ?? [])][at]
  const { voi, invert } = display?.options ?? {}
  const align = rule?.viewport_options?.align ?? 'center'
  const wish: Wish = { align, ...(invert === undefined ? {} : { invert }) }
  if (voi?.preset !== undefined) {
    const preset = presetNamed(voi.preset)
    const frame = stack.frames[0]
    return preset !== undefined && frame !== undefined && valueUnit(frame.attributes) === 'HU' ? { ...wish, choice: preset } : wish
  }
  if (voi?.center === undefined || voi.width === undefined) return wish
  return { ...wish, choice: { kind: 'user', voi: makeWindow(voi.center, voi.width) } }
}

/** Where the chest wall lies by the object's own words: its row begins at the back or at the front (PS3.3 C.7.6.1.1.1). */
export function isChestWallAt(orientation: string, side: 'left' | 'right'): boolean | undefined {
  if (orientation.startsWith('A')) return side === 'left'
  return orientation.startsWith('P') ? side === 'right' : undefined
}


