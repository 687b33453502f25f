import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { keys } from '@/api/keys'
import { SigninPage } from '@/features/signin/SigninPage'

/** `/signin#link=CODE`: the one-time link that a first start or an administrator hands out; a fragment, so that no log holds it. */
export function SigninRoute() {
  const client = useQueryClient()
  const navigate = useNavigate()
  const [link] = useState(() => new URLSearchParams(location.hash.slice(1)).get('link'))
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
