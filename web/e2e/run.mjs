// run.mjs [WORD...]: runs the *.e2e.mjs files (those whose name has a word), one after the other, in one browser and against
// one real server with the sample data. It closes with one plain line that counts the tests.
import { readdirSync } from 'node:fs'
import { begin, count, finish } from './harness.mjs'

const here = new URL('.', import.meta.url).pathname
const words = process.argv.slice(2)
const files = readdirSync(here).filter((f) => f.endsWith('.e2e.mjs') && (words.length === 0 || words.some((w) => f.includes(w)))).sort()
try {
  await begin()
  for (const file of files) await (await import('./' + file)).default()
} catch (e) {
  console.log(e)
  count.failed++
} finally {
  await finish()
}
console.log(`e2e: ${count.passed} passed, ${count.failed} failed`)
process.exit(count.failed || !count.passed ? 1 : 0)
