import { DirectionProvider, localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { RouterProvider } from 'react-router'
import { ApiError } from '@/api/client'
import { theme } from '@/kit/theme'
import { directionOf } from '@/locales'
import { router } from './routes'

const RETRIES = 2
/** What failed because the server was away or busy is asked for again without anybody's help. */
const AGAIN_MS = 15_000

const isPassing = (error: unknown): boolean => error instanceof ApiError && (error.offline || error.status >= 500)

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: true,
      // An answer that says no stays no; silence and overload are worth another try.
      retry: (count, error) => count < RETRIES && isPassing(error),
      retryDelay: (attempt) => 500 * 2 ** attempt,
      refetchInterval: (query) => (query.state.status === 'error' && isPassing(query.state.error) ? AGAIN_MS : false),
    },
  },
})

const schemes = localStorageColorSchemeManager({ key: 'heliograph.theme' })

export function App() {
  const { i18n } = useTranslation()
  const direction = directionOf(i18n.language)
  useEffect(() => {
    document.documentElement.lang = i18n.language
    document.documentElement.dir = direction
  }, [i18n.language, direction])
  return (
    <QueryClientProvider client={queries}>
      <DirectionProvider key={direction} initialDirection={direction} detectDirection={false}>
        <MantineProvider
          theme={theme}
          defaultColorScheme="dark"
          colorSchemeManager={schemes}
          withCssVariables={false}
          withGlobalClasses={false}
        >
          <RouterProvider router={router} />
        </MantineProvider>
      </DirectionProvider>
    </QueryClientProvider>
  )
}
