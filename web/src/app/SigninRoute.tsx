import { useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearchParams } from 'react-router'
import { keys } from '@/api/keys'
import { SigninPage } from '@/features/signin/SigninPage'

/** `/signin?link=CODE`: the one-time link that a first start or an administrator hands out. */
export function SigninRoute() {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [search] = useSearchParams()
  const link = search.get('link')
  return (
    <SigninPage
      {...(link === null ? {} : { link })}
      onSession={(session) => {
        client.setQueryData(keys.session, session)
        void navigate('/', { replace: true })
      }}
    />
  )
}
