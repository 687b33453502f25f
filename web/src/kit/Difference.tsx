import { useTranslation } from 'react-i18next'
import css from './Difference.module.css'

/** What is stored beside what was held back, attribute by attribute. */
export function Difference({ rows }: { rows: readonly { attribute: string; stored: string; held: string }[] }) {
  const { t } = useTranslation()
  if (rows.length === 0) return null
  return (
    <table className={css['table']}>
      <thead>
        <tr>
          <th scope="col">{t('difference.attribute')}</th>
          <th scope="col">{t('difference.stored')}</th>
          <th scope="col">{t('difference.held')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.attribute}>
            <th scope="row">{row.attribute}</th>
            <td>
              <bdi>{row.stored === '' ? '–' : row.stored}</bdi>
            </td>
            <td className={css['held']}>
              <bdi>{row.held === '' ? '–' : row.held}</bdi>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
