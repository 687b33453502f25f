import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { createBrowserRouter, RouterProvider, useParams } from 'react-router'

const StudyViewer = lazy(() => import('@/viewer'))
const queries = new QueryClient()

function Study() {
  const { id = '' } = useParams()
  return (
    <Suspense>
      <StudyViewer key={id} studyId={id} />
    </Suspense>
  )
}

const router = createBrowserRouter([{ path: '/study/:id', Component: Study }])

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <MantineProvider>
        <RouterProvider router={router} />
      </MantineProvider>
    </QueryClientProvider>
  )
}
