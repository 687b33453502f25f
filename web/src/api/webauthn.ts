/** The browser's side of passkeys: what the server sends as text becomes bytes, and the device's answer text again (WebAuthn 5.1.8). */

interface Named {
  id: string
  type: PublicKeyCredentialType
  transports?: AuthenticatorTransport[]
}
export interface MakeOptions extends Omit<PublicKeyCredentialCreationOptions, 'challenge' | 'user' | 'excludeCredentials'> {
  challenge: string
  user: { id: string; name: string; displayName: string }
  excludeCredentials?: Named[]
}
export interface SignOptions extends Omit<PublicKeyCredentialRequestOptions, 'challenge' | 'allowCredentials'> {
  challenge: string
  allowCredentials?: Named[]
}
export interface KeyStep<T> {
  step: string
  options: T
}

export const passkeysWork = (): boolean => typeof PublicKeyCredential === 'function' && window.isSecureContext

function bytes(text: string): ArrayBuffer {
  const raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0)).buffer
}

function text(buffer: ArrayBuffer | null): string | undefined {
  if (buffer === null) return undefined
  const raw = String.fromCharCode(...new Uint8Array(buffer))
  return btoa(raw).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

const known = (list: readonly Named[] = []): PublicKeyCredentialDescriptor[] => list.map((one) => ({ ...one, id: bytes(one.id) }))

/** Asks a device to make a key; null when the person turned away. */
export async function makeKey(options: MakeOptions): Promise<unknown> {
  const publicKey: PublicKeyCredentialCreationOptions = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: known(options.excludeCredentials),
  }
  const made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential | null
  if (made === null) return null
  const response = made.response as AuthenticatorAttestationResponse
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    clientExtensionResults: {},
    response: {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
      transports: response.getTransports(),
    },
  }
}

/** Asks a device to sign; null when the person turned away. */
export async function signWithKey(options: SignOptions): Promise<unknown> {
  const publicKey: PublicKeyCredentialRequestOptions = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: known(options.allowCredentials),
  }
  const given = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential | null
  if (given === null) return null
  const response = given.response as AuthenticatorAssertionResponse
  return {
    id: given.id,
    rawId: text(given.rawId),
    type: given.type,
    clientExtensionResults: {},
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: text(response.userHandle),
    },
  }
}

/** The person closed the browser's question, or it went by without an answer. */
export const turnedAway = (error: unknown): boolean => error instanceof DOMException && ['NotAllowedError', 'AbortError', 'InvalidStateError'].includes(error.name)
