import { ActionIcon, Button, TextInput } from '@mantine/core'
import { IconArrowBackUp, IconDownload, IconUpload, IconX } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useStore } from 'zustand'
import { useDesk, useWorkspace } from '../state/context'
import { COMMANDS, type Command, type CommandGroup } from './commands'
import { conflicts, isFree, keymap, readBindings, strokeOf, strokesOf, type Bindings } from './keymap'
import { saveBindings } from './keychoice'
import css from './KeysSheet.module.css'

const GROUPS: readonly CommandGroup[] = ['images', 'tools', 'view', 'window', 'panes']

/** What mouse, touch pad and fingers do: not to be rebound, but to be found. */
const HANDS = ['wheel', 'shiftWheel', 'ctrlWheel', 'left', 'middle', 'right', 'both', 'doubleClick', 'oneFinger', 'twoFingers', 'threeFingers'] as const

const FILE = 'heliograph-keys.json'

function useCommandName(): (command: Command) => string {
  const { t } = useTranslation('viewer')
  return (command) => {
    const name = t(command.label as 'action.fit')
    const preset = /^window\.preset(\d)$/.exec(command.id)?.[1]
    return preset === undefined ? name : t('display.keys.preset', { number: preset })
  }
}

const PRINTED: Readonly<Record<string, string>> = { ArrowUp: '↑', ArrowDown: '↓', ArrowLeft: '←', ArrowRight: '→', PageUp: 'Page ↑', PageDown: 'Page ↓', Delete: 'Del' }

/** As it stands on the key. */
const printed = (stroke: string): string =>
  stroke === '+'
    ? '+'
    : stroke
        .split('+')
        .map((part) => PRINTED[part] ?? part)
        .join(' ')

interface RowProps {
  command: Command
  name: string
  bindings: Bindings
  clashes: readonly string[]
  listening: boolean
  onListen: (id: string | undefined) => void
}

/** One action with its keys; a press on them waits for the new one. */
function Row({ command, name, bindings, clashes, listening, onListen }: RowProps) {
  const { t } = useTranslation('viewer')
  const strokes = strokesOf(command, bindings)
  const own = bindings[command.id] !== undefined
  return (
    <div className={css['row']} data-command={command.id}>
      <dt dir="ltr">
        <button
          type="button"
          className={css['keys']}
          aria-label={t('display.keys.change', { name })}
          data-listening={listening}
          onClick={() => onListen(listening ? undefined : command.id)}
          onKeyDown={(event) => {
            if (!listening) return
            const stroke = strokeOf(event.nativeEvent)
            event.preventDefault()
            event.stopPropagation()
            if (event.key === 'Escape') onListen(undefined)
            if (stroke === undefined || !isFree(stroke)) return
            saveBindings({ ...bindings, [command.id]: [stroke] })
            onListen(undefined)
          }}
        >
          {listening ? <em>{t('display.keys.press')}</em> : strokes.length === 0 ? '—' : strokes.map((stroke) => <kbd key={stroke}>{printed(stroke)}</kbd>)}
        </button>
      </dt>
      <dd>
        {name}
        {clashes.length > 0 && <span className={css['clash']}>{t('display.keys.clash', { others: clashes.join(', ') })}</span>}
      </dd>
      {own && (
        <ActionIcon
          variant="subtle"
          size={24}
          aria-label={t('display.keys.restore', { name })}
          onClick={() => saveBindings(Object.fromEntries(Object.entries(bindings).filter(([id]) => id !== command.id)))}
        >
          <IconArrowBackUp size={14} />
        </ActionIcon>
      )}
    </div>
  )
}

function exportBindings(bindings: Bindings): void {
  const all = Object.fromEntries(COMMANDS.map((command) => [command.id, strokesOf(command, bindings)]))
  const url = URL.createObjectURL(new Blob([JSON.stringify(all, null, 2)], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = url
  link.download = FILE
  link.click()
  URL.revokeObjectURL(url)
}

function Files({ bindings }: { bindings: Bindings }) {
  const { t } = useTranslation('viewer')
  const input = useRef<HTMLInputElement>(null)
  const [failed, setFailed] = useState(false)
  const take = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return
    try {
      const found = readBindings(JSON.parse(await file.text()), COMMANDS)
      setFailed(found === undefined)
      if (found !== undefined) saveBindings(onlyOwn(found))
    } catch {
      setFailed(true)
    }
  }
  return (
    <div className={css['files']}>
      <Button size="compact-xs" variant="default" leftSection={<IconDownload size={14} />} onClick={() => exportBindings(bindings)}>
        {t('display.keys.export')}
      </Button>
      <Button size="compact-xs" variant="default" leftSection={<IconUpload size={14} />} onClick={() => input.current?.click()}>
        {t('display.keys.import')}
      </Button>
      {Object.keys(bindings).length > 0 && (
        <Button size="compact-xs" variant="default" onClick={() => saveBindings({})}>
          {t('display.keys.restoreAll')}
        </Button>
      )}
      <input ref={input} type="file" accept="application/json" hidden aria-label={t('display.keys.import')} onChange={(event) => void take(event.currentTarget.files?.[0])} />
      {failed && <span role="alert">{t('display.keys.badFile')}</span>}
    </div>
  )
}

/** What differs from the keys that an action has by itself: later versions may give others to the rest. */
function onlyOwn(bindings: Bindings): Bindings {
  const standard = new Map(COMMANDS.map((command) => [command.id, command.keys.join(' ')]))
  return Object.fromEntries(Object.entries(bindings).filter(([id, strokes]) => strokes.join(' ') !== standard.get(id)))
}

function Hands({ wanted }: { wanted: (text: string) => boolean }) {
  const { t } = useTranslation('viewer')
  const rows = HANDS.map((hand) => [hand, t(`display.hands.${hand}`), t(`display.hands.does.${hand}`)] as const).filter(([, hand, does]) => wanted(`${hand} ${does}`))
  if (rows.length === 0) return null
  return (
    <section>
      <h3>{t('display.hands.title')}</h3>
      <dl>
        {rows.map(([hand, name, does]) => (
          <div key={hand} className={css['row']}>
            <dt>{name}</dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

/** Every key on one page, to find, to change, to take along; beside the work and not in front of a question: Escape or `?` closes it. */
export function KeysSheet() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const shown = useDesk((state) => state.keysShown)
  const bindings = useStore(keymap, (state) => state.bindings)
  const nameOf = useCommandName()
  const [text, setText] = useState('')
  const [listening, setListening] = useState<string>()
  const sheet = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (shown) sheet.current?.focus()
  }, [shown])
  if (!shown) return null
  const wanted = (words: string): boolean => words.toLocaleLowerCase().includes(text.trim().toLocaleLowerCase())
  const clashes = conflicts(COMMANDS, bindings)
  const clashesOf = (command: Command): string[] =>
    strokesOf(command, bindings).flatMap((stroke) => (clashes.get(stroke) ?? []).filter((id) => id !== command.id).flatMap((id) => COMMANDS.filter((other) => other.id === id).map(nameOf)))
  return (
    <div ref={sheet} className={css['sheet']} role="region" aria-label={t('keys.title')} tabIndex={-1}>
      <div className={css['head']}>
        <h2>{t('keys.title')}</h2>
        <TextInput size="xs" aria-label={t('display.keys.search')} placeholder={t('display.keys.search')} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        <Files bindings={bindings} />
        <ActionIcon variant="subtle" size={28} aria-label={t('action.close')} onClick={() => workspace.set({ keysShown: false })}>
          <IconX size={16} />
        </ActionIcon>
      </div>
      <div className={css['columns']}>
        {GROUPS.map((group) => {
          const rows = COMMANDS.filter((command) => command.group === group && wanted(`${nameOf(command)} ${strokesOf(command, bindings).join(' ')}`))
          return rows.length === 0 ? null : (
            <section key={group}>
              <h3>{t(`keys.${group}`)}</h3>
              <dl>
                {rows.map((command) => (
                  <Row
                    key={command.id}
                    command={command}
                    name={nameOf(command)}
                    bindings={bindings}
                    clashes={clashesOf(command)}
                    listening={listening === command.id}
                    onListen={setListening}
                  />
                ))}
              </dl>
            </section>
          )
        })}
        <Hands wanted={wanted} />
      </div>
    </div>
  )
}
