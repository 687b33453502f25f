import { useTranslation } from 'react-i18next'
import { type Tree } from '@/api/trust'
import { type Known, partsOf, sentence } from './words'
import css from './Trust.module.css'

/** A condition in words: what must all hold, of what one must, what must not, each on a line of its own. */
export function Condition({ tree, known }: { tree: Tree; known: Known }) {
  const { t } = useTranslation('access')
  const inner = partsOf(tree)
  if (inner === null) return <span>{sentence(tree, known)}</span>
  if (inner.joint === 'not' && inner.parts.every((part) => partsOf(part) === null)) return <span>{sentence(tree, known)}</span>
  return (
    <div className={css['condition']}>
      <span className={css['joint']}>{t(`joint.${inner.joint}`)}</span>
      <ul>
        {inner.parts.map((part, index) => (
          <li key={index}>
            <Condition tree={part} known={known} />
          </li>
        ))}
      </ul>
    </div>
  )
}
