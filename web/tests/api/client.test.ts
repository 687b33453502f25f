import { afterEach, describe, expect, it, vi } from 'vitest'
import { ApiError, errorFrom, request, setCsrf, whenSignedOut } from '@/api/client'
import { backOff, parseMessage } from '@/api/stream'

afterEach(() => {
  vi.unstubAllGlobals()
  setCsrf('')
})

function answer(status: number, body: string): ReturnType<typeof vi.fn> {
  const fake = vi.fn(() => Promise.resolve(new Response(status === 204 ? null : body, { status })))
  vi.stubGlobal('fetch', fake)
  return fake
}

function sentInit(fake: ReturnType<typeof vi.fn>): RequestInit {
  return fake.mock.calls[0]?.[1] as RequestInit
}

describe('problems', () => {
  it('become errors with code, title and detail', () => {
    const error = errorFrom(409, { title: 'There is such a device', status: 409, code: 'device.exists', detail: 'CT1' })
    expect(error).toMatchObject({ status: 409, code: 'device.exists', title: 'There is such a device', detail: 'CT1' })
    expect(error.message).toBe('CT1')
    expect(errorFrom(409, { title: 'Conflict', status: 409, code: 'x', detail: 'a device of this AE title exists' }).message).toBe(
      'A device of this AE title exists',
    )
  })
  it('are told by number when the body says nothing', () => {
    expect(errorFrom(502, undefined)).toMatchObject({ status: 502, code: 'http.502', message: 'HTTP 502' })
    expect(errorFrom(500, 'oops')).toMatchObject({ code: 'http.500' })
  })
})

describe('requests', () => {
  it('carry the token on everything but GET', async () => {
    setCsrf('secret')
    const post = answer(200, '{"ok":true}')
    await expect(request('POST', '/api/x', { a: 1 })).resolves.toEqual({ ok: true })
    expect(sentInit(post).headers).toMatchObject({ 'X-CSRF-Token': 'secret', 'Content-Type': 'application/json' })
    const get = answer(200, '{}')
    await request('GET', '/api/x')
    expect(sentInit(get).headers).not.toHaveProperty('X-CSRF-Token')
  })
  it('may have no answer body', async () => {
    answer(204, '')
    await expect(request('DELETE', '/api/x')).resolves.toBeUndefined()
  })
  it('tell when nobody answers', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed')))
    const error = await request('GET', '/api/x').catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(ApiError)
    expect((error as ApiError).offline).toBe(true)
  })
  it('tell when the session is over, except to the session itself', async () => {
    const over = vi.fn()
    whenSignedOut(over)
    answer(401, '{"title":"Not signed in","status":401,"code":"x"}')
    await expect(request('GET', '/api/session')).rejects.toMatchObject({ status: 401 })
    expect(over).not.toHaveBeenCalled()
    answer(401, '{"title":"Not signed in","status":401,"code":"x"}')
    await expect(request('GET', '/api/jobs')).rejects.toMatchObject({ status: 401 })
    expect(over).toHaveBeenCalledOnce()
  })
})

describe('the stream', () => {
  it('waits longer each time, up to a limit', () => {
    expect([0, 1, 2].map(backOff)).toEqual([500, 1000, 2000])
    expect(backOff(30)).toBe(5_000)
  })
  it('reads messages and drops what is none', () => {
    expect(parseMessage('{"kind":"study.arrived","id":"7"}')).toEqual({ kind: 'study.arrived', id: '7' })
    expect(parseMessage('{"id":"7"}')).toBeNull()
    expect(parseMessage('nonsense')).toBeNull()
    expect(parseMessage(new ArrayBuffer(2))).toBeNull()
  })
})
