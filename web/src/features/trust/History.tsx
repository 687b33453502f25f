import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type AccessRule, type Policy, type PolicyVersion, useSavePolicy } from '@/api/trust'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { EffectState } from './RuleState'
import { ruleName } from './words'
import css from './Trust.module.css'

const same = (one: AccessRule, other: AccessRule): boolean =>
  one.when === other.when && one.effect === other.effect && one.breakable === other.breakable && one.actions.join() === other.actions.join()

/** Every version, what it changed, and the way back to it: a restored one is a further version, nothing is forgotten. */
export function History({ policy, onRestored }: { policy: Policy; onRestored: () => void }) {
  const { t } = useTranslation('access')
  const format = useFormat()
  const save = useSavePolicy()
  const [open, setOpen] = useState<number | null>(null)
  return (
    <ul className={css['lines']}>
      {policy.versions.map((one, index) => (
        <li key={one.version} className={css['rule']}>
          <div className={css['ruleHead']}>
            <h3>{one.version === 0 ? t('policy.shipped_title') : t('policy.version', { n: one.version })}</h3>
            {one.version === policy.version && <span className={form['quiet']}>{t('policy.in_force')}</span>}
            <span className={form['quiet']}>{one.created_at === null ? '' : `${format.instant(one.created_at)} · ${one.created_by.replace(/^\w+:/, '')}`}</span>
            <span className={form['buttons']}>
              <Button onClick={() => setOpen(open === one.version ? null : one.version)} aria-expanded={open === one.version}>
                {t('policy.changes')}
              </Button>
              {one.version !== policy.version && (
                <Confirm
                  danger={false}
                  question={t('policy.restore_question')}
                  confirm={t('policy.restore')}
                  busy={save.isPending}
                  onConfirm={() => {
                    const says = told(t('policy.saved'))
                    const comment = one.version === 0 ? t('policy.restored_shipped') : t('policy.restored_version', { n: one.version })
                    save.mutate(
                      { rules: one.rules, comment, expected_version: policy.version },
                      {
                        onError: says.onError,
                        onSuccess: () => {
                          says.onSuccess()
                          onRestored()
                        },
                      },
                    )
                  }}
                >
                  {t('policy.restore')}
                </Confirm>
              )}
            </span>
          </div>
          {one.comment !== '' && (
            <p>
              <bdi>{one.comment}</bdi>
            </p>
          )}
          {open === one.version && <Changes version={one} before={policy.versions[index + 1]} />}
        </li>
      ))}
    </ul>
  )
}

function Changes({ version, before }: { version: PolicyVersion; before: PolicyVersion | undefined }) {
  const { t } = useTranslation('access')
  const old = new Map(before?.rules.map((rule) => [rule.name, rule]))
  const gone = before?.rules.filter((rule) => !version.rules.some((one) => one.name === rule.name)) ?? []
  const changed = version.rules.filter((rule) => {
    const was = old.get(rule.name)
    return was === undefined || !same(was, rule)
  })
  if (changed.length === 0 && gone.length === 0) return <p className={form['quiet']}>{t('policy.no_changes')}</p>
  return (
    <div>
      {changed.map((rule) => (
        <div key={rule.name} className={css['ruleBody']}>
          <strong>{ruleName(rule.name)}</strong> <EffectState rule={rule} />
          <code className={css['code']}>
            {old.get(rule.name) !== undefined && old.get(rule.name)?.when !== rule.when && <div className={css['old']}>{old.get(rule.name)?.when}</div>}
            {rule.when}
          </code>
        </div>
      ))}
      {gone.map((rule) => (
        <div key={rule.name} className={css['ruleBody']}>
          <strong>{t('policy.removed', { name: ruleName(rule.name) })}</strong>
          <code className={css['code']}>
            <span className={css['old']}>{rule.when}</span>
          </code>
        </div>
      ))}
    </div>
  )
}
