import { notify } from './toasts'

/** The usual ends of an act: a word when it is done, what went wrong when it is not. */
export function told(done?: string): { onSuccess: () => void; onError: (error: Error) => void } {
  return {
    onSuccess: () => {
      if (done !== undefined) notify('ok', done)
    },
    onError: (error) => notify('critical', error.message),
  }
}
