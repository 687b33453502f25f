import { ActionIcon } from '@mantine/core'
import { type Icon } from '@tabler/icons-react'
import { Tip } from '@/kit/Tip'
import css from './Toolbar.module.css'

interface ToolButtonProps {
  icon: Icon
  label: string
  hint?: string
  pressed?: boolean
  expanded?: boolean
  disabled?: boolean
  onClick: () => void
}

/** A tool of the row above the pictures: an icon with its name and its key. */
export function ToolButton({ icon: Shape, label, hint, pressed, expanded, disabled = false, onClick }: ToolButtonProps) {
  return (
    <Tip label={hint === undefined ? label : `${label} (${hint})`}>
      <ActionIcon
        variant="subtle"
        size={32}
        className={css['button'] ?? ''}
        aria-label={label}
        data-pressed={pressed}
        {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
        {...(expanded === undefined ? {} : { 'aria-expanded': expanded })}
        disabled={disabled}
        onClick={onClick}
      >
        <Shape size={18} stroke={1.6} />
      </ActionIcon>
    </Tip>
  )
}
