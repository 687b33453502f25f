import { Button, Select, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useUsers } from '@/api/lists'
import { type Explanation, explainAccess, findStudies, type FoundStudy } from '@/api/trust'
import { formatDicomDate } from '@/kit/format/dicomdate'
import form from '@/kit/form.module.css'
import { State } from '@/kit/State'
import { useKnown } from './useKnown'
import { EffectState } from './RuleState'
import { fieldName, type Known, ruleName, sentence, valueText } from './words'
import css from './Trust.module.css'

/** Why somebody can or cannot see a study: the answer in words, with the rule, the relation and the restriction that decided. */
export function Explain() {
  const { t } = useTranslation('access')
  const users = useUsers()
  const [user, setUser] = useState<string | null>(null)
  const [text, setText] = useState('')
  const [study, setStudy] = useState<string | null>(null)
  const find = useMutation({ mutationFn: findStudies, onSuccess: (found) => setStudy(found.items.length === 1 ? (found.items[0]?.id ?? null) : null) })
  const explain = useMutation({ mutationFn: explainAccess })
  const person = users.data?.items.find((one) => one.id === user)?.display_name ?? ''
  const ready = user !== null && study !== null
  const trouble = find.error ?? explain.error ?? users.error
  return (
    <>
      <form
        className={css['adder']}
        onSubmit={(event) => {
          event.preventDefault()
          explain.reset()
          if (text.trim() !== '') find.mutate(text.trim())
        }}
      >
        <Select
          label={t('explain.person')}
          searchable
          limit={50}
          data={users.data?.items.filter((one) => one.kind === 'person').map((one) => ({ value: one.id, label: `${one.display_name} (${one.name})` })) ?? []}
          value={user}
          onChange={(value) => {
            setUser(value)
            explain.reset()
          }}
        />
        <TextInput label={t('explain.study')} description={t('explain.study_hint')} maxLength={64} autoComplete="off" value={text} onChange={(event) => setText(event.currentTarget.value)} />
        <Button type="submit" leftSection={<IconSearch size={14} />} disabled={text.trim() === ''} loading={find.isPending}>
          {t('explain.find')}
        </Button>
      </form>
      {trouble !== null && (
        <p className={form['trouble']} role="alert">
          {trouble.message}
        </p>
      )}
      {find.data?.items.length === 0 && <p className={form['gap']}>{t('explain.none')}</p>}
      {find.data !== undefined && find.data.items.length > 0 && (
        <div className={css['adder']}>
          <Select
            label={t('explain.which')}
            allowDeselect={false}
            data={find.data.items.map((one) => ({ value: one.id, label: studyLine(one) }))}
            value={study}
            onChange={(value) => {
              setStudy(value)
              explain.reset()
            }}
          />
          <Button variant="filled" disabled={!ready} loading={explain.isPending} onClick={() => ready && explain.mutate({ user_id: user, study_id: study })}>
            {t('explain.ask')}
          </Button>
        </div>
      )}
      {explain.data !== undefined && <Answer answer={explain.data} person={person} />}
    </>
  )
}

const studyLine = (one: FoundStudy): string => [formatDicomDate(one.study_date), one.modalities.join(' '), one.accession_number, one.site].filter(Boolean).join(' · ')

function Answer({ answer, person }: { answer: Explanation; person: string }) {
  const { t } = useTranslation('access')
  const known = useKnown()
  const names = answer.deciding.map(ruleName).join(', ')
  const tone = answer.verdict === 'allowed' ? 'ok' : answer.verdict === 'withheld_breakable' ? 'warn' : 'no'
  const decided = answer.rules.filter((rule) => answer.deciding.includes(rule.name))
  const rest = answer.rules.filter((rule) => !answer.deciding.includes(rule.name))
  return (
    <div className={form['gap']} data-testid="explanation">
      <div className={css['notice']} data-tone={tone} role="status">
        <h3>{t(answer.may_read ? 'explain.yes' : 'explain.no', { person })}</h3>
        <p>{t(`verdict.${answer.verdict}`, { rules: names })}</p>
        {answer.verdict === 'withheld_breakable' && <p>{t(answer.may_break_glass ? 'explain.may_break' : 'explain.may_not_break')}</p>}
        {answer.glass_is_broken && <p>{t('explain.broken')}</p>}
      </div>
      {decided.map((rule) => (
        <RuleAnswer key={rule.name} rule={rule} known={known} />
      ))}
      {rest.length > 0 && (
        <details className={form['gap']} open={answer.verdict === 'no_rule'}>
          <summary>{t('explain.others')}</summary>
          {rest.map((rule) => (
            <RuleAnswer key={rule.name} rule={rule} known={known} />
          ))}
        </details>
      )}
    </div>
  )
}

function RuleAnswer({ rule, known }: { rule: Explanation['rules'][number]; known: Known }) {
  const { t } = useTranslation('access')
  return (
    <section className={css['rule']}>
      <header className={css['ruleHead']}>
        <h3>{ruleName(rule.name)}</h3>
        <EffectState rule={rule} />
        <State tone={rule.holds ? 'ok' : 'stopped'}>{t(rule.holds ? 'explain.holds' : 'explain.holds_not')}</State>
      </header>
      <ul className={form['list']}>
        {rule.reasons.map((reason) => (
          <li key={reason.text}>
            {t(reason.holds ? 'explain.so' : 'explain.not_so', { what: sentence(reason.tree, known) })}
            {Object.entries(reason.values).map(([path, value]) => (
              <div key={path} className={form['quiet']}>{`${fieldName(path)}: ${valueText(path, value, known)}`}</div>
            ))}
          </li>
        ))}
      </ul>
    </section>
  )
}
