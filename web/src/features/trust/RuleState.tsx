import { useTranslation } from 'react-i18next'
import { type AccessRule } from '@/api/trust'
import { State } from '@/kit/State'

/** What a rule does, as shape and word. */
export function EffectState({ rule }: { rule: Pick<AccessRule, 'effect' | 'breakable'> }) {
  const { t } = useTranslation('access')
  if (rule.effect === 'allow') return <State tone="ok">{t('effect.allow')}</State>
  return <State tone="warning">{t(rule.breakable ? 'effect.withhold_breakable' : 'effect.withhold')}</State>
}
