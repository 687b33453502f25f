import { lazy, type ReactNode, Suspense } from 'react'
import { createBrowserRouter, Navigate, useParams } from 'react-router'
import { useSession } from '@/api/access'
import { AboutPage } from '@/features/about/AboutPage'
import { AccountPage } from '@/features/account/AccountPage'
import { AlarmsPage } from '@/features/alarms/AlarmsPage'
import { DevicesPage } from '@/features/devices/DevicesPage'
import { JobsPage } from '@/features/jobs/JobsPage'
import { NodesPage } from '@/features/nodes/NodesPage'
import { QuarantinePage } from '@/features/quarantine/QuarantinePage'
import { SendingPage } from '@/features/sending/SendingPage'
import { UsersPage } from '@/features/users/UsersPage'
import { WherePage } from '@/features/where/WherePage'
import { WorklistPage } from '@/features/worklist/WorklistPage'
import { Broken } from './Broken'
import { Lost } from './Lost'
import { PAGES } from './pages'
import { ProvedRoute } from './ProvedRoute'
import { Shell } from './Shell'
import { SigninRoute } from './SigninRoute'

const StudyViewer = lazy(() => import('@/viewer'))
const SecurityPage = lazy(async () => ({ default: (await import('@/features/security/SecurityPage')).SecurityPage }))
const AuditPage = lazy(async () => ({ default: (await import('@/features/audit/AuditPage')).AuditPage }))

const SitesPage = lazy(() => import('@/features/trust/SitesPage'))
const PolicyPage = lazy(() => import('@/features/trust/PolicyPage'))
const RestrictedPage = lazy(() => import('@/features/trust/RestrictedPage'))
const GlassPage = lazy(() => import('@/features/trust/GlassPage'))
const LimitsPage = lazy(() => import('@/features/house/LimitsPage'))
const HangingPage = lazy(() => import('@/features/hanging/HangingPage'))
const OrganisationsPage = lazy(() => import('@/features/house/OrganisationsPage'))

/** A page whose code few people want: it comes when it is opened. */
function Later({ page }: { page: ReactNode }) {
  return <Suspense>{page}</Suspense>
}

/** The list of studies for who may read them, for others the first page that they may use. */
function Home() {
  const { permissions } = useSession()
  const first = PAGES.find((page) => permissions.includes(page.needs))
  if (permissions.includes('study.read') || first === undefined) return <WorklistPage />
  return <Navigate to={first.path} replace />
}

function StudyRoute() {
  const { id = '' } = useParams()
  return (
    <Suspense>
      <StudyViewer key={id} studyId={id} />
    </Suspense>
  )
}

export const router = createBrowserRouter([
  { path: '/signin', Component: SigninRoute, ErrorBoundary: Broken },
  { path: '/proved', Component: ProvedRoute, ErrorBoundary: Broken },
  {
    Component: Shell,
    ErrorBoundary: Broken,
    children: [
      {
        ErrorBoundary: Broken,
        children: [
          { index: true, Component: Home },
          { path: 'study/:id', Component: StudyRoute },
          { path: 'where', Component: WherePage },
          { path: 'devices', Component: DevicesPage },
          { path: 'nodes', Component: NodesPage },
          { path: 'sending', Component: SendingPage },
          { path: 'quarantine', Component: QuarantinePage },
          { path: 'jobs', Component: JobsPage },
          { path: 'alarms', Component: AlarmsPage },
          { path: 'security', element: <Later page={<SecurityPage />} /> },
          { path: 'audit', element: <Later page={<AuditPage />} /> },
          { path: 'users', Component: UsersPage },
          { path: 'sites', element: <Later page={<SitesPage />} /> },
          { path: 'access', element: <Later page={<PolicyPage />} /> },
          { path: 'restricted', element: <Later page={<RestrictedPage />} /> },
          { path: 'emergency', element: <Later page={<GlassPage />} /> },
          { path: 'limits', element: <Later page={<LimitsPage />} /> },
          { path: 'organisations', element: <Later page={<OrganisationsPage />} /> },
      { path: 'hanging', element: <Later page={<HangingPage />} /> },
          { path: 'about', Component: AboutPage },
          { path: 'account', Component: AccountPage },
          { path: '*', Component: Lost },
        ],
      },
    ],
  },
])
