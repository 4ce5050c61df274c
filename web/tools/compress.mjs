// compress.mjs FOLDER: leaves a .gz and a .br beside each file that gets smaller by them, so that the server need not do it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'

const folder = process.argv[2]
for (const name of readdirSync(folder, { recursive: true })) {
  if (!/\.(js|mjs|css|html|svg|json|webmanifest)$/.test(name)) continue
  const plain = readFileSync(join(folder, name))
  for (const [end, packed] of [['.gz', gzipSync(plain, { level: 9 })], ['.br', brotliCompressSync(plain)]]) if (packed.length < plain.length * 0.95) writeFileSync(join(folder, name + end), packed)
}
