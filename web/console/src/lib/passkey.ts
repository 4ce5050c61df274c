// Passkeys: what the server asks goes to the browser, what the browser answers goes back. Bytes travel as base64url.
import { Problem } from './api'
import { t } from './i18n'

export const passkeysWork = () => typeof PublicKeyCredential === 'function' && isSecureContext

const bytes = (text: string) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
const text = (buffer: ArrayBuffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')

type Descriptor = { id: string; type: 'public-key'; transports?: AuthenticatorTransport[] }
type Options = { publicKey: { challenge: string; user?: { id: string; name: string; displayName: string }; excludeCredentials?: Descriptor[]; allowCredentials?: Descriptor[] } }
const ids = (list?: Descriptor[]) => list?.map((d) => ({ ...d, id: bytes(d.id) }))

/** What the browser refused, or the person called off, is no failure of the server. */
async function run(what: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const made = await what()
    if (made) return made as PublicKeyCredential
  } catch (e) {
    if ((e as DOMException).name === 'InvalidStateError') throw new Problem(409, 'passkey.known', t('这台设备上已有你的通行密钥。', 'This device has a passkey of yours already.'))
  }
  throw new Problem(0, 'passkey.cancelled', t('没有完成通行密钥验证，请重试。', 'The passkey was not used; try again.'))
}

/** Makes a passkey in the device. */
export async function makePasskey(options: unknown) {
  const p = (options as Options).publicKey
  const made = await run(() => navigator.credentials.create({ publicKey: { ...p, challenge: bytes(p.challenge), user: { ...p.user!, id: bytes(p.user!.id) }, excludeCredentials: ids(p.excludeCredentials) } as unknown as PublicKeyCredentialCreationOptions }))
  const r = made.response as AuthenticatorAttestationResponse
  return { id: made.id, rawId: text(made.rawId), type: made.type, response: { clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), transports: r.getTransports?.() || [] }, clientExtensionResults: {} }
}

/** Lets the device sign with one of its passkeys. */
export async function signPasskey(options: unknown) {
  const p = (options as Options).publicKey
  const made = await run(() => navigator.credentials.get({ publicKey: { ...p, challenge: bytes(p.challenge), allowCredentials: ids(p.allowCredentials) } as unknown as PublicKeyCredentialRequestOptions }))
  const r = made.response as AuthenticatorAssertionResponse
  return { id: made.id, rawId: text(made.rawId), type: made.type, response: { clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature), userHandle: r.userHandle ? text(r.userHandle) : '' }, clientExtensionResults: {} }
}
