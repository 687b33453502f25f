import { useTranslation } from 'react-i18next'
import { type Picture } from '../pixels/picture'
import { type VoiChoice } from '../viewport/presets'

/** What a window choice is called in menus. */
export function usePresetName(picture: Picture | undefined): (choice: VoiChoice) => string {
  const { t } = useTranslation('viewer')
  return (choice) => {
    switch (choice.kind) {
      case 'preset':
        return `${t(`preset.${choice.name}`)}  ${choice.width} / ${choice.center}`
      case 'auto':
        return t(`preset.${choice.how}`)
      case 'header': {
        const name = picture?.headerVois[choice.index]?.name ?? ''
        return name === '' ? t('preset.header', { number: choice.index + 1 }) : t('preset.headerNamed', { name })
      }
      case 'user':
        return ''
    }
  }
}
