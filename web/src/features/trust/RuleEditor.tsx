import { Button, Checkbox, Select, Textarea, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { type AccessRule, type RuleProblem, type Tree } from '@/api/trust'
import form from '@/kit/form.module.css'
import { Condition } from './Condition'
import { useKnown } from './useKnown'
import { ruleTrouble } from './words'
import css from './Trust.module.css'

interface RuleEditorProps {
  rule: AccessRule
  /** The condition as it was understood; none while it is being looked at. */
  tree: Tree | undefined
  problem: RuleProblem | undefined
  onChange: (part: Partial<AccessRule>) => void
  onRemove: () => void
}

const ACTIONS = ['study.read', 'study.export'] as const

/** One rule with its condition as text; below it what was understood, or where it cannot be. */
export function RuleEditor({ rule, tree, problem, onChange, onRemove }: RuleEditorProps) {
  const { t } = useTranslation('access')
  const known = useKnown()
  return (
    <section className={css['rule']} data-testid="rule-editor">
      <div className={css['adder']}>
        <TextInput label={t('policy.rule_name')} maxLength={64} value={rule.name} onChange={(event) => onChange({ name: event.currentTarget.value })} />
        <Select
          label={t('policy.effect')}
          allowDeselect={false}
          data={[
            { value: 'allow', label: t('effect.allow') },
            { value: 'withhold', label: t('effect.withhold') },
          ]}
          value={rule.effect}
          onChange={(value) => onChange({ effect: value ?? rule.effect, breakable: value === 'withhold' && rule.breakable })}
        />
        <Button variant="subtle" color="red" onClick={onRemove}>
          {t('policy.remove_rule')}
        </Button>
      </div>
      <div className={css['editor']}>
        <div className={form['chips']}>
          {ACTIONS.map((action) => (
            <Checkbox
              key={action}
              label={t(action === 'study.export' ? 'action.export' : 'action.read')}
              checked={rule.actions.includes(action)}
              onChange={(event) => onChange({ actions: ACTIONS.filter((one) => (one === action ? event.currentTarget.checked : rule.actions.includes(one))) })}
            />
          ))}
          {rule.effect === 'withhold' && (
            <Checkbox label={t('policy.breakable')} checked={rule.breakable} onChange={(event) => onChange({ breakable: event.currentTarget.checked })} />
          )}
        </div>
        <Textarea label={t('policy.when')} autosize minRows={2} maxLength={8000} spellCheck={false} value={rule.when} onChange={(event) => onChange({ when: event.currentTarget.value })} />
        {problem !== undefined && <Problem when={rule.when} problem={problem} />}
        {problem === undefined && tree !== undefined && <Condition tree={tree} known={known} />}
      </div>
    </section>
  )
}

function Problem({ when, problem }: { when: string; problem: RuleProblem }) {
  const { at } = problem
  const length = at === null ? 0 : Math.max(1, /^\w[\w.]*/.exec(when.slice(at))?.[0].length ?? 1)
  return (
    <div role="alert" data-testid="rule-problem">
      <p className={form['trouble']}>{ruleTrouble(problem.code, problem.message)}</p>
      {at !== null && (
        <code className={css['code']}>
          {when.slice(0, at)}
          <mark>{when.slice(at, at + length) || '▁'}</mark>
          {when.slice(at + length)}
        </code>
      )}
    </div>
  )
}
