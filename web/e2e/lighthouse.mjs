// lighthouse.mjs [RUNS]: Lighthouse, mobile, on the home page of a member in the H5 member centre: each run, and the medians. The
// settings are Lighthouse's own: a slow phone (CPU 4 times slower) on slow 4G, simulated, nothing cached.
import { audit, faults, score } from './audit.mjs'
import { begin, finish } from './harness.mjs'
import { join } from './people.mjs'

const runs = Number(process.argv[2]) || 5
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
const parts = { performance: [], accessibility: [], fcp: [], lcp: [], tbt: [], cls: [] }
let last
try {
  await begin()
  const state = await join('lin', '13800138001')
  for (let i = 0; i < runs; i++) {
    last = await audit(state, ['performance', 'accessibility'])
    const now = { performance: score(last, 'performance'), accessibility: score(last, 'accessibility') }
    for (const [name, id] of [['fcp', 'first-contentful-paint'], ['lcp', 'largest-contentful-paint'], ['tbt', 'total-blocking-time'], ['cls', 'cumulative-layout-shift']]) now[name] = Math.round(last.audits[id].numericValue * 1000) / 1000
    for (const [k, v] of Object.entries(now)) parts[k].push(v)
    console.log(`run ${i + 1}: ` + Object.entries(now).map(([k, v]) => `${k} ${v}`).join(', '))
  }
  console.log('median: ' + Object.entries(parts).map(([k, v]) => `${k} ${median(v)}`).join(', '))
  for (const c of ['performance', 'accessibility']) for (const f of faults(last, c)) console.log(`  ${c}: ${f}`)
} finally {
  await finish()
}
