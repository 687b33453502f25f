import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'
import { type Stack } from '@/dicom/series'
import { type Trait } from '@/dicom/splitting'

/** Kinds whose value is what the reader sees; the others are words around it. */
const BARE = new Set(['type', 'matrix', 'kernel'])

function useTraitWords(): (trait: Trait) => string {
  const { t } = useTranslation('viewer')
  return useCallback(
    ({ kind, value, index, of }: Trait) => {
      if (BARE.has(kind)) return value
      if (kind === 'bValue' && value === '') return t('display.split.noB')
      if (kind !== 'plane') return t(`display.split.${kind as Exclude<Trait['kind'], 'type' | 'matrix' | 'kernel' | 'plane'>}`, { value, index, of })
      const plane = t(`plane.${value as 'axial'}`)
      return of === 0 ? plane : t('display.split.planeOf', { plane, index, of })
    },
    [t],
  )
}

/** What sets a stack apart within its series, in words: `b 1000 · phase 2 of 10`; empty when the series is one stack. */
export function useStackName(): (stack: Stack | undefined) => string {
  const wordOf = useTraitWords()
  return useCallback(
    (stack: Stack | undefined) => (stack?.kind === 'images' ? stack.traits.map(wordOf).filter((word) => word !== '').join(' · ') : ''),
    [wordOf],
  )
}
