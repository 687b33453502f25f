import { useTranslation } from 'react-i18next'
import { type Protocol } from '../hanging/protocol'

/** Shipped names are translated by their key; those that people gave are shown as they were given. */
export function useHangingName(): { protocolName: (protocol: Protocol) => string; stageName: (protocol: Protocol, stage: number) => string } {
  const { t, i18n } = useTranslation('viewer')
  const told = (key: string, otherwise: string): string =>
    i18n.exists(key, { ns: 'viewer' }) ? (t as (name: string) => string)(key) : otherwise
  const slug = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return {
    protocolName: ({ id, name }) => told(`shipped.${id}`, name),
    stageName: ({ stages }, stage) => told(`shipped.stage.${slug(stages[stage]?.name ?? '')}`, stages[stage]?.name ?? ''),
  }
}
