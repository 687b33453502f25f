import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from '@/app/App'
import { startLanguages } from '@/locales'
import '@/kit/styles'

// The room is right from the first paint on; the provider takes over when it is there.
const scheme = localStorage.getItem('heliograph.theme') ?? 'dark'
const dark = scheme === 'auto' ? matchMedia('(prefers-color-scheme: dark)').matches : scheme !== 'light'
document.documentElement.dataset['mantineColorScheme'] = dark ? 'dark' : 'light'

await startLanguages()
const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
