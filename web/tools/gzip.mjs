// gzip.mjs FOLDER: leaves a .gz beside each file that gets smaller by it, so that the server need not do it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const folder = process.argv[2]
for (const name of readdirSync(folder, { recursive: true })) {
  if (!/\.(js|mjs|css|html|svg|json|webmanifest)$/.test(name)) continue
  const plain = readFileSync(join(folder, name))
  const zipped = gzipSync(plain, { level: 9 })
  if (zipped.length < plain.length * 0.95) writeFileSync(join(folder, name + '.gz'), zipped)
}
