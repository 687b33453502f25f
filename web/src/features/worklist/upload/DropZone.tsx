import { IconUpload } from '@tabler/icons-react'
import { type DragEvent, type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { collectDropped } from './collect'
import { startUpload } from './store'
import css from './Upload.module.css'

const carriesFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes('Files')

/** Takes files, folders and ZIPs that are dropped anywhere on the page. */
export function DropZone({ enabled, children }: { enabled: boolean; children: ReactNode }) {
  const { t } = useTranslation()
  // Enter and leave come for every child: only the balance says whether the pointer is still inside.
  const [depth, setDepth] = useState(0)
  const takes = (event: DragEvent): boolean => {
    if (!enabled || !carriesFiles(event)) return false
    event.preventDefault()
    return true
  }
  return (
    <div
      className={css['zone']}
      onDragEnter={(event) => {
        if (takes(event)) setDepth((value) => value + 1)
      }}
      onDragOver={(event) => {
        if (takes(event)) event.dataTransfer.dropEffect = 'copy'
      }}
      onDragLeave={(event) => {
        if (takes(event)) setDepth((value) => Math.max(0, value - 1))
      }}
      onDrop={(event) => {
        if (!takes(event)) return
        setDepth(0)
        void startUpload(collectDropped(event.dataTransfer))
      }}
    >
      {children}
      {depth > 0 && (
        <div className={css['target']} aria-hidden>
          <IconUpload size={24} />
          <span>{t('upload.drop')}</span>
        </div>
      )}
    </div>
  )
}
