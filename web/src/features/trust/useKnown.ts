import { useMemo } from 'react'
import { useMay } from '@/api/access'
import { useUsers } from '@/api/lists'
import { useSites } from '@/api/trust'
import { type Known } from './words'

/** What numbers and ids in rules stand for, as far as this person may know it. */
export function useKnown(): Known {
  const sites = useSites(useMay('site.manage')).data?.items
  const users = useUsers().data?.items
  return useMemo(
    () => ({
      sites: new Map(sites?.map((site) => [site.id, site.name])),
      departments: new Map(sites?.flatMap((site) => site.departments.map((one) => [one.id, one.name] as const))),
      people: new Map(users?.map((user) => [user.id, user.display_name])),
    }),
    [sites, users],
  )
}
