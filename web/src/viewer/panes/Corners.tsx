import { memo, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { sexWord } from '@/kit/PatientBar'
import { formatDicomDate } from '@/kit/format/dicomdate'
import { useFormat } from '@/kit/format/useFormat'
import { Mark } from '@/kit/Mark'
import { lossyOf, overlayOf, type OverlayLine } from '@/dicom/overlay'
import { valueUnit } from '@/dicom/units'
import { type Picture } from '../pixels/picture'
import { type OverlayLevel } from '../state/desk'
import { type ViewportState } from '../viewport/types'
import { useWindowText } from '../viewport/useWindowText'
import css from './Pane.module.css'
import { useSeen } from './useSeen'
import { useStackName } from './useStackName'

function Line({ line }: { line: OverlayLine }) {
  const { t } = useTranslation('viewer')
  const { t: words } = useTranslation()
  const format = useFormat()
  if ('text' in line) return <bdi>{line.text}</bdi>
  if ('name' in line) return <bdi className={css['name']}>{format.name(line.name)}</bdi>
  if ('born' in line) {
    const parts = [formatDicomDate(line.born), format.age(line.born, line.examined), line.sex === '' ? '' : sexWord(words, line.sex)]
    return parts
      .filter((part) => part !== '')
      .map((part, index) => (
        <span key={part}>
          {index > 0 && ' · '}
          <bdi>{part}</bdi>
        </span>
      ))
  }
  return <bdi>{t(`overlay.${line.key}`, { replace: isolated(line.values) })}</bdi>
}

/** Each value in its own direction: in a sentence that runs from right to left a minus sign would change sides. */
function isolated(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, `\u2066${value}\u2069`]))
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Most lines say the same of every image of a series: only what differs is written again while somebody scrolls. */
const Lines = memo(function Lines({ lines }: { lines: readonly OverlayLine[] }) {
  return lines.map((line, index) => <LineOf key={index} line={line} />)
}, same)

const LineOf = memo(function LineOf({ line }: { line: OverlayLine }) {
  return (
    <div>
      <Line line={line} />
    </div>
  )
}, same)

/** Which picture this is, and how it is shown: the corner that belongs to the viewport. */
function OwnCorner({ state, picture }: { state: ViewportState; picture: Picture }) {
  const { t } = useTranslation('viewer')
  const windowText = useWindowText(state)
  const count = state.stack?.frames.length ?? 1
  const { unseen } = useSeen(state)
  const split = useStackName()(state.stack)
  const lossy = lossyOf(picture.frame.attributes, picture.transferSyntax)
  const label = lossy.ratio === '' ? t('overlay.lossy') : t('overlay.lossyRatio', { ratio: lossy.ratio })
  return (
    <div className={css['bottomRight']}>
      <div>{t('overlay.zoom', { value: Math.round(state.zoom * 100) })}</div>
      {windowText !== '' && <div data-testid="window-text">{windowText}</div>}
      <div data-testid="image-number">{t('overlay.image', { index: state.index + 1, count })}</div>
      {split !== '' && (
        <div data-testid="stack-name" dir="auto">
          {split}
        </div>
      )}
      {unseen > 0 && count > 1 && (
        <div className={css['quiet']} data-testid="unseen" dir="auto">
          {t('display.seen.unseen', { count: unseen })}
        </div>
      )}
      {state.loaded < count && <div className={css['quiet']}>{t('overlay.loaded', { loaded: state.loaded, count })}</div>}
      {lossy.isLossy ? (
        <Mark kind="lossy" text={label} />
      ) : picture.reduction !== undefined ? (
        <div className={css['quiet']} title={t('speed.reducedHint', { part: 2 ** picture.reduction })}>
          {t('speed.coming')}
        </div>
      ) : (
        <div className={css['quiet']} title={t('overlay.fullHint')}>
          {t('overlay.full')}
        </div>
      )}
    </div>
  )
}

export function Corners({ state, picture, level }: { state: ViewportState; picture: Picture; level: OverlayLevel }) {
  const overlay = useMemo(() => overlayOf(picture.frame.attributes), [picture])
  if (level === 'none') return null
  const [name, ...rest] = overlay.topLeft
  return (
    <div className={css['corners']} dir="ltr">
      <div className={css['topLeft']} data-testid="topLeft" data-identity>
        <Lines lines={level === 'full' ? overlay.topLeft : [name, rest[0]].filter((line) => line !== undefined)} />
      </div>
      {level === 'full' && (
        <>
          <div className={css['topRight']} data-testid="topRight" data-identity>
            <Lines lines={overlay.topRight} />
          </div>
          <div className={css['bottomLeft']}>
            <Lines lines={overlay.bottomLeft} />
          </div>
        </>
      )}
      <OwnCorner state={state} picture={picture} />
      {overlay.side !== '' && <div className={css['side']} data-testid="side">{overlay.side}</div>}
    </div>
  )
}

/** Unit of the values under the pointer, once per picture. */
export function useUnit(picture: Picture | undefined): string {
  return useMemo(() => (picture === undefined || picture.colour || picture.rescale.lut !== undefined ? '' : valueUnit(picture.frame.attributes)), [picture])
}
