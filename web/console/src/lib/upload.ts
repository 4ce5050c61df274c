// Sends a part of a file. It is bytes, not JSON, so it does not go the way of the other requests.
import { newKey, Problem, type Reply } from './api'
import { lang, t } from './i18n'

export async function sendPart(id: string, part: number, bytes: Blob): Promise<Reply<'/imports/{id}'>> {
  const key = newKey()
  for (let attempt = 0; ; attempt++) {
    try {
      const r = await fetch(`/api/console/imports/${id}/parts/${part}`, { method: 'PUT', headers: { 'Content-Type': 'application/octet-stream', 'Idempotency-Key': key, 'Accept-Language': lang.value }, body: bytes })
      const body = await r.json()
      if (!r.ok) throw new Problem(r.status, body.code, body.title)
      return body
    } catch (e) {
      if (e instanceof Problem) throw e
      if (attempt === 4) throw new Problem(0, 'network', t('网络已断开，请重新上传。', 'The connection is lost; please upload again.'))
      await new Promise((done) => setTimeout(done, 1000 * 2 ** attempt))
    }
  }
}
