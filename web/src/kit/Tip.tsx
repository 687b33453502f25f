import { cloneElement, type FocusEvent, type HTMLAttributes, type KeyboardEvent, type PointerEvent, type ReactElement, type Ref, useEffect, useId, useLayoutEffect, useRef, useState } from 'react'
import { createPortal } from 'react-dom'
import { type Box, placeTip, type Side } from './tip'
import css from './Tip.module.css'

const DELAY_MS = 400

type Props = HTMLAttributes<HTMLElement> & { ref?: Ref<HTMLElement> }

interface TipProps extends Props {
  label: string
  side?: Side
  children: ReactElement<Props>
}

const boxOf = (element: Element): Box => element.getBoundingClientRect()

/** Elements that say whose pictures these are carry `data-identity`: nothing that floats by itself may stand over them. */
function identities(): Box[] {
  return [...document.querySelectorAll('[data-identity]')].map(boxOf).filter((box) => box.right > box.left && box.bottom > box.top)
}

/** The rest of the pointer before a name appears. */
class Pause {
  private timer: ReturnType<typeof setTimeout> | undefined

  begin(over: () => void): void {
    this.end()
    this.timer = setTimeout(over, DELAY_MS)
  }

  end(): void {
    clearTimeout(this.timer)
  }
}

/** The name of a control, shown while the pointer rests on it or the keyboard is there. */
export function Tip({ label, side = 'top', children, ...rest }: TipProps) {
  const id = useId()
  const [target, setTarget] = useState<Element | null>(null)
  const [pause] = useState(() => new Pause())
  useEffect(() => () => pause.end(), [pause])
  const soon = (element: Element): void => pause.begin(() => setTarget(element))
  const hide = (): void => {
    pause.end()
    setTarget(null)
  }
  const own = children.props
  const handlers: Props = {
    onPointerEnter: (event: PointerEvent<HTMLElement>) => {
      own.onPointerEnter?.(event)
      rest.onPointerEnter?.(event)
      if (event.pointerType !== 'touch') soon(event.currentTarget)
    },
    onPointerLeave: (event: PointerEvent<HTMLElement>) => {
      own.onPointerLeave?.(event)
      rest.onPointerLeave?.(event)
      hide()
    },
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      own.onPointerDown?.(event)
      rest.onPointerDown?.(event)
      hide()
    },
    onFocus: (event: FocusEvent<HTMLElement>) => {
      own.onFocus?.(event)
      rest.onFocus?.(event)
      if (event.currentTarget.matches(':focus-visible')) soon(event.currentTarget)
    },
    onBlur: (event: FocusEvent<HTMLElement>) => {
      own.onBlur?.(event)
      rest.onBlur?.(event)
      hide()
    },
    onKeyDown: (event: KeyboardEvent<HTMLElement>) => {
      own.onKeyDown?.(event)
      rest.onKeyDown?.(event)
      if (event.key === 'Escape') hide()
    },
  }
  return (
    <>
      {cloneElement(children, { ...rest, ...handlers, className: [own.className, rest.className].filter(Boolean).join(' '), ...(target === null ? {} : { 'aria-describedby': id }) })}
      {target !== null && <Floating id={id} label={label} side={side} target={target} />}
    </>
  )
}

function Floating({ id, label, side, target }: { id: string; label: string; side: Side; target: Element }) {
  const tip = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const element = tip.current
    if (element === null) return
    const { width, height } = element.getBoundingClientRect()
    const view = { left: 0, top: 0, right: window.innerWidth, bottom: window.innerHeight }
    const mirrored = document.documentElement.dir === 'rtl'
    const wished = mirrored && side === 'right' ? 'left' : mirrored && side === 'left' ? 'right' : side
    const place = placeTip(boxOf(target), width, height, view, wished, identities())
    element.style.left = `${place.left}px`
    element.style.top = `${place.top}px`
  }, [label, side, target])
  return createPortal(
    <div ref={tip} id={id} role="tooltip" className={css['tip']} dir="auto">
      {label}
    </div>,
    document.body,
  )
}
