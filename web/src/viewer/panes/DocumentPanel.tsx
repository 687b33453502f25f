import { useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Attributes } from '@/dicom/attributes'
import { reportLines } from '@/dicom/report'
import { type DocumentStack } from '@/dicom/series'
import { attributeRows, type AttributeRow } from '@/dicom/listing'
import { binaryOf } from '../pixels/binary'
import { useDesk } from '../state/context'
import css from './Document.module.css'

function Report({ attributes }: { attributes: Attributes }) {
  const { t } = useTranslation('viewer')
  const { lines, isCut } = useMemo(() => reportLines(attributes), [attributes])
  const isUnverified = attributes.text('VerificationFlag') === 'UNVERIFIED'
  const isPartial = attributes.text('CompletionFlag') === 'PARTIAL'
  return (
    <article className={css['report']}>
      {(isUnverified || isPartial) && (
        <p className={css['flag']}>{[isUnverified ? t('document.unverified') : '', isPartial ? t('document.partial') : ''].filter((word) => word !== '').join(' · ')}</p>
      )}
      {lines.map((line, index) => (
        <p key={index} className={css['line']} style={{ paddingInlineStart: `${Math.min(line.depth, 8) * 16}px` }} dir="auto">
          {line.name !== '' && <span className={css['concept']}>{line.name}</span>}
          {line.value !== '' && <span className={css['value']}>{line.value}</span>}
        </p>
      ))}
      {isCut && <p className={css['flag']}>{t('document.cut')}</p>}
    </article>
  )
}

const PDF = [0x25, 0x50, 0x44, 0x46]

/** The address of the document as a blob of the one type PDF, so that nothing in it can ever run as a page. */
function usePdf(stack: DocumentStack): { url: string | undefined; failed: boolean } {
  const [state, setState] = useState<{ url: string | undefined; failed: boolean }>({ url: undefined, failed: false })
  useEffect(() => {
    let url: string | undefined
    let gone = false
    binaryOf(stack.attributes.element('EncapsulatedDocument'))
      .then((data) => {
        if (gone) return
        const bytes = data instanceof Uint8Array ? data : undefined
        if (bytes === undefined || !PDF.every((byte, index) => bytes[index] === byte)) throw new RangeError('no PDF')
        url = URL.createObjectURL(new Blob([bytes.slice()], { type: 'application/pdf' }))
        setState({ url, failed: false })
      })
      .catch(() => {
        if (!gone) setState({ url: undefined, failed: true })
      })
    return () => {
      gone = true
      if (url !== undefined) URL.revokeObjectURL(url)
    }
  }, [stack])
  return state
}

/** Never within this window: a PDF may carry scripts that ask questions over the pictures, and browsers show none in a sandbox. */
function Pdf({ stack }: { stack: DocumentStack }) {
  const { t } = useTranslation('viewer')
  const { url, failed } = usePdf(stack)
  if (failed) return <Listing attributes={stack.attributes} intro={t('document.pdfFailed')} />
  if (url === undefined) return null
  return (
    <div className={css['pdf']}>
      <a href={url} target="_blank" rel="noopener noreferrer">
        {t('document.pdfOpen')}
      </a>
      <Listing attributes={stack.attributes} />
    </div>
  )
}

function Value({ row }: { row: AttributeRow }) {
  const { t } = useTranslation('viewer')
  if (row.items !== undefined) return <span className={css['quiet']}>{t('document.sequence', { count: row.items })}</span>
  if (row.isBinary) return <span className={css['quiet']}>{t('document.binary')}</span>
  return <bdi>{row.value}</bdi>
}

function Listing({ attributes, intro }: { attributes: Attributes; intro?: string }) {
  const rows = useMemo(() => attributeRows(attributes), [attributes])
  return (
    <div className={css['report']}>
      {intro !== undefined && <p className={css['flag']}>{intro}</p>}
      <table className={css['table']}>
        <tbody>
          {rows.map((row) => (
            <tr key={row.tag}>
              <td className={css['quiet']}>{row.tag}</td>
              <td>{row.name}</td>
              <td>
                <Value row={row} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** An object without a picture: its text, its pages, or at least what it says about itself; never a blank. */
export function DocumentPanel({ stack }: { stack: DocumentStack }) {
  const { t } = useTranslation('viewer')
  const { attributes, form } = stack
  const teaching = useDesk((desk) => desk.teaching)
  const title = attributes.text('DocumentTitle') || attributes.meaning('ConceptNameCodeSequence') || attributes.text('SeriesDescription')
  if (teaching) return <p className={css['flag']}>{t('display.teaching.document')}</p>
  return (
    <div className={css['document']}>
      <header className={css['head']}>
        <span className={css['form']}>{t(`document.${form}`)}</span>
        <h2 dir="auto">{title}</h2>
      </header>
      {form === 'report' && <Report attributes={attributes} />}
      {form === 'pdf' && <Pdf stack={stack} />}
      {form === 'waveform' && <Listing attributes={attributes} intro={t('document.waveformHint')} />}
      {form === 'video' && <Listing attributes={attributes} intro={t('document.videoHint')} />}
      {form === 'other' && <Listing attributes={attributes} intro={t('document.noPicture')} />}
    </div>
  )
}
