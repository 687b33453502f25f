import { useTranslation } from 'react-i18next'
import { causeText } from './life'

/** Why something failed, in the reader's language; the server's own sentence stays under it for whoever is asked for help. */
export function Cause({ error }: { error: string | null }) {
  const { t } = useTranslation()
  const said = causeText(t, error)
  if (error === null || said === '') return null
  return (
    <>
      <span dir="auto">{said}</span>
      {said !== error && (
        <bdi lang="en" className="hg-quiet hg-block">
          {error}
        </bdi>
      )}
    </>
  )
}
