import { useMantineColorScheme, useComputedColorScheme } from '@mantine/core'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { useMay } from '@/api/access'
import { pickFiles } from '@/features/worklist/upload/picker'
import { LANGUAGES, switchLanguage } from '@/locales'

export interface Action {
  id: string
  text: string
  run: () => void
}

/** What the palette can do besides going somewhere. */
export function useActions(): Action[] {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('dark', { getInitialValueInEffect: false })
  const mayStore = useMay('study.store')
  const mayDevices = useMay('device.manage')
  return useMemo(
    () => [
      ...(mayStore
        ? [
            {
              id: 'upload',
              text: t('upload.pick_files'),
              run: () => {
                void navigate('/')
                pickFiles(false)
              },
            },
          ]
        : []),
      ...(mayDevices ? [{ id: 'device', text: t('device.add'), run: () => void navigate('/devices?add=1') }] : []),
      {
        id: 'theme',
        text: t(scheme === 'dark' ? 'theme.to_light' : 'theme.to_dark'),
        run: () => setColorScheme(scheme === 'dark' ? 'light' : 'dark'),
      },
      ...LANGUAGES.map((language) => ({
        id: `language ${language.code}`,
        text: `${t('user.language')}: ${language.name}`,
        run: () => void switchLanguage(language.code),
      })),
    ],
    [mayStore, mayDevices, scheme, setColorScheme, navigate, t],
  )
}
