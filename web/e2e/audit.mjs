// Lighthouse on the member centre's home, as a phone sees it.
import { launch } from 'chrome-launcher'
import lighthouse from 'lighthouse'
import { server } from './harness.mjs'

/** Runs it once on the home page of the member whose cookies are given; gives the report. */
export async function audit(state, categories) {
  const cookie = state.cookies.map((c) => `${c.name}=${c.value}`).join('; ')
  const chrome = await launch({ chromePath: process.env.CHROMIUM || '/usr/bin/chromium', chromeFlags: ['--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--lang=zh-CN'], logLevel: 'silent' })
  try {
    const found = await lighthouse(server.url + '/m/', { port: chrome.port, logLevel: 'silent', onlyCategories: categories, extraHeaders: { Cookie: cookie } })
    if (found.lhr.runtimeError) throw new Error(found.lhr.runtimeError.message)
    return found.lhr
  } finally {
    chrome.kill()
  }
}

export const score = (lhr, category) => Math.round(lhr.categories[category].score * 100)

/** What took points away, in words. */
export const faults = (lhr, category) => lhr.categories[category].auditRefs.map((r) => lhr.audits[r.id]).filter((a) => a.score !== null && a.score < 1).map((a) => `${a.id}: ${a.title}`)
