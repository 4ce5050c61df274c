import { encode } from 'uqr'

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function base64(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const n = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    out += letters[n >> 18] + letters[(n >> 12) & 63]
    out += i + 1 < bytes.length ? letters[(n >> 6) & 63] : '='
    out += i + 2 < bytes.length ? letters[n & 63] : '='
  }
  return out
}

/** A QR code as a picture in a data address: a bitmap of two colours, which browsers and the mini program both show. */
export function qrPicture(text: string, scale = 8): string {
  const { data, size } = encode(text, { ecc: 'M', border: 2 })
  const side = size * scale
  const stride = Math.ceil(side / 32) * 4
  const head = 62
  const bytes = new Uint8Array(head + stride * side)
  const v = new DataView(bytes.buffer)
  bytes.set([0x42, 0x4d])
  v.setUint32(2, bytes.length, true)
  v.setUint32(10, head, true)
  v.setUint32(14, 40, true)
  v.setInt32(18, side, true)
  v.setInt32(22, side, true)
  v.setUint16(26, 1, true)
  v.setUint16(28, 1, true)
  v.setUint32(34, stride * side, true)
  v.setUint32(46, 2, true)
  bytes.set([255, 255, 255, 0, 0, 0, 0, 0], 54) // colour 0 is white, 1 is black
  for (let y = 0; y < side; y++) {
    const row = data[Math.floor((side - 1 - y) / scale)] // bitmaps stand on their heads
    for (let x = 0; x < side; x++) if (row[Math.floor(x / scale)]) bytes[head + y * stride + (x >> 3)] |= 0x80 >> (x & 7)
  }
  return 'data:image/bmp;base64,' + base64(bytes)
}
