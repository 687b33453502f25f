import css from './Bar.module.css'
import { percent } from './format/quantity'

/** Progress as a bar with its words beside it; without a total it shows only the words. */
export function Bar({ done, total, label, text }: { done: number; total: number | null; label: string; text?: string }) {
  const value = percent(done, total)
  return (
    <span className={css['wrap']}>
      {value !== null && (
        <span className={css['track']} role="progressbar" aria-label={label} aria-valuenow={value} aria-valuemin={0} aria-valuemax={100}>
          <span className={css['fill']} style={{ width: `${value}%` }} />
        </span>
      )}
      {text !== undefined && <span className={css['text']}>{text}</span>}
    </span>
  )
}
