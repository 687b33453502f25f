import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import enAccess from './en/access.json'
import enApp from './en/app.json'
import enViewer from './en/viewer.json'

export const LANGUAGES = [
  { code: 'en', name: 'English', direction: 'ltr' },
  { code: 'de', name: 'Deutsch', direction: 'ltr' },
  { code: 'es', name: 'Español', direction: 'ltr' },
  { code: 'zh', name: '中文', direction: 'ltr' },
  { code: 'ar', name: 'العربية', direction: 'rtl' },
] as const

export type Language = (typeof LANGUAGES)[number]['code']

const KEY = 'heliograph.language'

const loaders: Record<Exclude<Language, 'en'>, () => Promise<{ app: object; viewer: object; access: object }>> = {
  de: async () => ({
    app: (await import('./de/app.json')).default,
    viewer: (await import('./de/viewer.json')).default,
    access: (await import('./de/access.json')).default,
  }),
  es: async () => ({
    app: (await import('./es/app.json')).default,
    viewer: (await import('./es/viewer.json')).default,
    access: (await import('./es/access.json')).default,
  }),
  zh: async () => ({
    app: (await import('./zh/app.json')).default,
    viewer: (await import('./zh/viewer.json')).default,
    access: (await import('./zh/access.json')).default,
  }),
  ar: async () => ({
    app: (await import('./ar/app.json')).default,
    viewer: (await import('./ar/viewer.json')).default,
    access: (await import('./ar/access.json')).default,
  }),
}

export function isLanguage(value: string): value is Language {
  return LANGUAGES.some((language) => language.code === value)
}

export function directionOf(code: string): 'ltr' | 'rtl' {
  return LANGUAGES.find((language) => language.code === code)?.direction ?? 'ltr'
}

function preferred(): Language {
  const kept = localStorage.getItem(KEY)
  for (const wish of [kept ?? '', ...navigator.languages]) {
    const code = wish.slice(0, 2).toLowerCase()
    if (isLanguage(code)) return code
  }
  return 'en'
}

async function load(code: Language): Promise<void> {
  if (code === 'en' || i18next.hasResourceBundle(code, 'app')) return
  const bundle = await loaders[code]()
  i18next.addResourceBundle(code, 'app', bundle.app)
  i18next.addResourceBundle(code, 'viewer', bundle.viewer)
  i18next.addResourceBundle(code, 'access', bundle.access)
}

/** Loads a language and switches to it, for good on this browser. */
export async function switchLanguage(code: Language): Promise<void> {
  await load(code)
  localStorage.setItem(KEY, code)
  await i18next.changeLanguage(code)
}

/** Starts translation with the reader's language before the first paint. */
export async function startLanguages(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    defaultNS: 'app',
    ns: ['app', 'viewer', 'access'],
    resources: { en: { app: enApp, viewer: enViewer, access: enAccess } },
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  const code = preferred()
  await load(code)
  await i18next.changeLanguage(code)
}
