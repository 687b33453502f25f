import { Button, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useDebouncedValue } from '@mantine/hooks'
import { IconPencil, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type AccessRule, checkRules, type Policy, previewRules, type RuleProblem, type ToldRule, useSavePolicy } from '@/api/trust'
import { told as says } from '@/kit/act'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { Condition } from './Condition'
import { PreviewTable } from './PreviewTable'
import { RuleEditor } from './RuleEditor'
import { EffectState } from './RuleState'
import { useKnown } from './useKnown'
import { ruleName } from './words'
import css from './Trust.module.css'

const plain = ({ name, effect, actions, when, breakable }: AccessRule): AccessRule => ({ name, effect, actions, when, breakable })
const NEW: AccessRule = { name: '', effect: 'allow', actions: ['study.read'], when: "'radiologist' in principal.roles", breakable: false }

/** The rules in words; who wants to change them writes conditions, sees at once what is wrong with them, and before saving who is touched. */
export function Rules({ policy }: { policy: Policy }) {
  const { t } = useTranslation('access')
  const known = useKnown()
  const [draft, setDraft] = useState<AccessRule[] | null>(null)
  if (draft !== null) return <Editing policy={policy} draft={draft} setDraft={setDraft} />
  return (
    <>
      <div className={`${form['line'] ?? ''} ${css['apart'] ?? ''}`}>
        <span className={form['quiet']}>{t(policy.version === 0 ? 'policy.shipped' : 'policy.version', { n: policy.version })}</span>
        <Button leftSection={<IconPencil size={14} />} onClick={() => setDraft(policy.rules.map(plain))}>
          {t('policy.edit')}
        </Button>
      </div>
      <p className={form['quiet']}>{t('policy.how')}</p>
      {policy.rules.map((rule) => (
        <section key={rule.name} className={css['rule']}>
          <RuleHead rule={rule} />
          <div className={css['ruleBody']}>
            <Condition tree={rule.tree} known={known} />
            <code className={css['code']}>{rule.when}</code>
          </div>
        </section>
      ))}
    </>
  )
}

function RuleHead({ rule }: { rule: ToldRule }) {
  const { t } = useTranslation('access')
  return (
    <header className={css['ruleHead']}>
      <h3>{ruleName(rule.name)}</h3>
      <EffectState rule={rule} />
      <span className={form['quiet']}>{rule.actions.map((action) => (action === 'study.export' ? t('action.export') : t('action.read'))).join(', ')}</span>
    </header>
  )
}

interface EditingProps {
  policy: Policy
  draft: AccessRule[]
  setDraft: (draft: AccessRule[] | null) => void
}

function Editing({ policy, draft, setDraft }: EditingProps) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const [settled] = useDebouncedValue(draft, 300)
  const checked = useQuery({
    queryKey: ['policy', 'check', settled],
    queryFn: ({ signal }) => checkRules(settled, signal),
    placeholderData: (before) => before,
    // The answer knows its rules by identity: nothing of it may be replaced by its like.
    structuralSharing: false,
    staleTime: 0,
    gcTime: 0,
  })
  const preview = useMutation({ mutationFn: previewRules })
  const found = checked.data
  const problems = found?.problems ?? []
  const ready = found?.asked === draft && problems.length === 0
  // While one rule is being written, what was understood of the others stands.
  const told = draft.map((rule) => {
    const at = found?.asked.indexOf(rule) ?? -1
    return at < 0 ? null : { tree: found?.rules[at]?.tree, problem: problems.find((problem) => problem.rule === at) }
  })
  const change = (index: number, part: Partial<AccessRule> | null): void => {
    preview.reset()
    setDraft(part === null ? draft.filter((_rule, at) => at !== index) : draft.map((rule, at) => (at === index ? { ...rule, ...part } : rule)))
  }
  const general: RuleProblem | undefined = problems.find((problem) => problem.rule === null)
  return (
    <>
      <div className={`${form['buttons'] ?? ''} ${css['apart'] ?? ''}`}>
        <Button
          leftSection={<IconPlus size={14} />}
          onClick={() => {
            preview.reset()
            setDraft([{ ...NEW }, ...draft])
          }}
        >
          {t('policy.add_rule')}
        </Button>
        <Button onClick={() => setDraft(null)}>{app('action.cancel')}</Button>
      </div>
      {draft.map((rule, index) => (
        <RuleEditor
          key={index}
          rule={rule}
          tree={told[index]?.tree}
          problem={told[index]?.problem}
          onChange={(part) => change(index, part)}
          onRemove={() => change(index, null)}
        />
      ))}
      {general !== undefined && (
        <p className={form['trouble']} role="alert">
          {general.message}
        </p>
      )}
      <div className={form['gap']}>
        <Button disabled={!ready} loading={preview.isPending} onClick={() => preview.mutate(draft, { onError: says().onError })}>
          {t('policy.preview')}
        </Button>
      </div>
      {preview.data !== undefined && (
        <>
          <PreviewTable preview={preview.data} />
          <Saving policy={policy} draft={draft} ready={ready} onSaved={() => setDraft(null)} />
        </>
      )}
      <Names policy={policy} />
    </>
  )
}

function Saving({ policy, draft, ready, onSaved }: { policy: Policy; draft: AccessRule[]; ready: boolean; onSaved: () => void }) {
  const { t } = useTranslation('access')
  const save = useSavePolicy()
  const [comment, setComment] = useState('')
  const ends = says(t('policy.saved'))
  return (
    <form
      className={`${css['adder'] ?? ''} ${form['gap'] ?? ''}`}
      onSubmit={(event) => {
        event.preventDefault()
        if (comment.trim() === '' || !ready) return
        const done = (): void => {
          ends.onSuccess()
          onSaved()
        }
        save.mutate({ rules: draft, comment: comment.trim(), expected_version: policy.version }, { onError: ends.onError, onSuccess: done })
      }}
    >
      <TextInput label={t('policy.comment')} description={t('policy.comment_hint')} required maxLength={1000} value={comment} onChange={(event) => setComment(event.currentTarget.value)} />
      <Button type="submit" variant="filled" disabled={comment.trim() === '' || !ready} loading={save.isPending}>
        {t('policy.save')}
      </Button>
    </form>
  )
}

function Names({ policy }: { policy: Policy }) {
  const { t } = useTranslation('access')
  const format = useFormat()
  return (
    <details className={form['gap']}>
      <summary>{t('policy.names', { n: format.count(policy.names.length) })}</summary>
      <dl className={css['names']}>
        {policy.names.map((one) => (
          <div key={one.name} style={{ display: 'contents' }}>
            <dt>{one.name}</dt>
            <dd>{`${one.kind}: ${one.docs}`}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}
