import 'i18next'
import type access from './en/access.json'
import type app from './en/app.json'
import type viewer from './en/viewer.json'

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'app'
    resources: { app: typeof app; viewer: typeof viewer; access: typeof access }
  }
}
