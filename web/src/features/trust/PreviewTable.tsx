import { useTranslation } from 'react-i18next'
import { type PolicyPreview } from '@/api/trust'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import css from './Trust.module.css'

/** Who would see more or fewer studies than now, counted on what is here. */
export function PreviewTable({ preview }: { preview: PolicyPreview }) {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const format = useFormat()
  const counts = { studies: format.count(preview.studies), asked: format.count(preview.asked) }
  const role = (name: string): string => (app as (key: string) => string)(`role.${name}`)
  return (
    <section className={form['gap']} data-testid="policy-preview">
      <h3>{t('preview.title')}</h3>
      <p className={form['quiet']}>{t(preview.is_all ? 'preview.all' : 'preview.newest', counts)}</p>
      {preview.items.length === 0 ? (
        <p className={css['notice']} data-tone="ok">
          {t('preview.nobody')}
        </p>
      ) : (
        <table className={css['table']}>
          <thead>
            <tr>
              <th>{t('preview.who')}</th>
              <th data-number>{t('preview.before')}</th>
              <th data-number>{t('preview.after')}</th>
              <th data-number>{t('preview.gains')}</th>
              <th data-number>{t('preview.loses')}</th>
            </tr>
          </thead>
          <tbody>
            {preview.items.map((one) => (
              <tr key={`${one.kind} ${one.id}`}>
                <td>
                  <bdi>{one.name}</bdi> <span className={form['quiet']}>{one.kind === 'user' ? one.roles.map(role).join(', ') : t(`value.${one.kind}`)}</span>
                </td>
                <td data-number>{format.count(one.before)}</td>
                <td data-number>{format.count(one.after)}</td>
                <td data-number className={css['gains']}>{one.gains > 0 && <span dir="ltr">{`+${format.count(one.gains)}`}</span>}</td>
                <td data-number className={css['loses']}>{one.loses > 0 && <span dir="ltr">{`−${format.count(one.loses)}`}</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
