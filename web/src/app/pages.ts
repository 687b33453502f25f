import {
  IconAlertTriangle,
  IconBuildingCommunity,
  IconBuildingHospital,
  IconDeviceDesktopAnalytics,
  IconGauge,
  IconHandStop,
  IconHistory,
  IconLayoutDashboard,
  IconInfoCircle,
  IconListDetails,
  IconListSearch,
  IconLockAccess,
  IconProgressCheck,
  IconSend,
  IconScale,
  IconServer2,
  IconShieldCheck,
  IconUrgent,
  IconUsers,
  type Icon,
} from '@tabler/icons-react'
import { type Permission } from '@/api/types'

export type PageId =
  | 'studies'
  | 'where'
  | 'devices'
  | 'nodes'
  | 'sending'
  | 'quarantine'
  | 'jobs'
  | 'alarms'
  | 'security'
  | 'audit'
  | 'limits'
  | 'users'
  | 'sites'
  | 'rules'
  | 'restricted'
  | 'glass'
  | 'organisations'
  | 'hanging'
  | 'about'

export interface PageEntry {
  id: PageId
  path: string
  icon: Icon
  needs: Permission
  /** Pages of one group stand together on the rail. */
  group: 'reading' | 'flow' | 'admin'
}

/** What the rail and the palette offer, in this order, to those who may. */
export const PAGES: readonly PageEntry[] = [
  { id: 'studies', path: '/', icon: IconListDetails, needs: 'study.read', group: 'reading' },
  { id: 'where', path: '/where', icon: IconListSearch, needs: 'study.read', group: 'reading' },
  { id: 'devices', path: '/devices', icon: IconDeviceDesktopAnalytics, needs: 'device.read', group: 'flow' },
  { id: 'nodes', path: '/nodes', icon: IconServer2, needs: 'node.query', group: 'flow' },
  { id: 'sending', path: '/sending', icon: IconSend, needs: 'send.create', group: 'flow' },
  { id: 'quarantine', path: '/quarantine', icon: IconHandStop, needs: 'quarantine.read', group: 'flow' },
  { id: 'jobs', path: '/jobs', icon: IconProgressCheck, needs: 'job.read', group: 'flow' },
  { id: 'alarms', path: '/alarms', icon: IconAlertTriangle, needs: 'alarm.read', group: 'admin' },
  { id: 'security', path: '/security', icon: IconShieldCheck, needs: 'security.read', group: 'admin' },
  { id: 'audit', path: '/audit', icon: IconHistory, needs: 'audit.read', group: 'admin' },
  { id: 'limits', path: '/limits', icon: IconGauge, needs: 'security.read', group: 'admin' },
  { id: 'users', path: '/users', icon: IconUsers, needs: 'user.manage', group: 'admin' },
  { id: 'sites', path: '/sites', icon: IconBuildingHospital, needs: 'site.manage', group: 'admin' },
  { id: 'rules', path: '/access', icon: IconScale, needs: 'policy.manage', group: 'admin' },
  { id: 'restricted', path: '/restricted', icon: IconLockAccess, needs: 'restriction.manage', group: 'admin' },
  { id: 'glass', path: '/emergency', icon: IconUrgent, needs: 'glass.review', group: 'admin' },
  { id: 'organisations', path: '/organisations', icon: IconBuildingCommunity, needs: 'tenant.manage', group: 'admin' },
  { id: 'hanging', path: '/hanging', icon: IconLayoutDashboard, needs: 'study.read', group: 'admin' },
  { id: 'about', path: '/about', icon: IconInfoCircle, needs: 'study.read', group: 'admin' },
]
