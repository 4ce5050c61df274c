// The behaviour SDK (行为采集): page, click, dwell, share, and what went wrong. Nothing leaves the phone before the member has agreed.
// An event is named by the run of the app and its number in it, so that one that is sent again counts once.

export interface Event {
  n: number
  kind: 'page' | 'click' | 'dwell' | 'share' | 'error'
  page: string
  target?: string
  ms?: number
  at: number
}

export interface Batch {
  run: string
  link?: string
  events: Event[]
}

/** What stays on the phone of a member who agreed: what waits to be sent. */
export type Kept = Batch[] | undefined

export interface Wires {
  send: (batch: Batch) => Promise<{ off: boolean }>
  now: () => number
  later: (ms: number, run: () => void) => unknown
  read: () => Kept
  write: (kept: Kept) => void
  /** The name of this run of the app. */
  run: string
}

const atOnce = 20
const linger = 5_000
const mostBatches = 25

export class Tracker {
  private allowed: boolean | undefined
  private open: Event[] = []
  private full: Batch[]
  private page = ''
  private since = 0
  private n = 0
  private busy = false
  private waiting = false
  private lost = 0
  private link?: string

  constructor(private readonly wires: Wires) {
    const kept = wires.read()
    this.full = kept ?? []
    this.allowed = kept ? true : undefined // who had agreed has, until the service says otherwise
  }

  /** Consent given or withdrawn. Until it is known, events of this visit wait in memory; without it they are dropped. */
  allow(yes: boolean) {
    this.allowed = yes
    if (!yes) return this.drop()
    this.wires.write(this.full)
    this.soon()
  }

  /** Somebody else may come now: nothing is known of their consent, and nothing of the one before is left. */
  forget() {
    this.allowed = undefined
    this.drop()
  }

  /** The entry link by which the app was opened this time. */
  came(link: string) {
    this.link = link
  }

  /** A page is shown; how long the one before was looked at is told as well. */
  enter(page: string) {
    this.leave()
    this.page = page
    this.since = this.wires.now()
    this.add({ kind: 'page', at: this.since })
  }

  click(target: string) {
    this.add({ kind: 'click', target })
  }

  share(target: string) {
    this.add({ kind: 'share', target })
  }

  /** The member was told that something went wrong. */
  fault(code: string) {
    this.add({ kind: 'error', target: code })
  }

  /** The app comes to the front. */
  wake() {
    if (this.page) this.since = this.wires.now()
    this.soon()
  }

  /** The app goes to the back: nothing may be left unsent, it may not come again. */
  rest() {
    this.leave()
    this.close()
    void this.flush()
  }

  private drop() {
    this.open = []
    this.full = []
    this.wires.write(undefined)
  }

  private leave() {
    if (!this.since) return
    const ms = this.wires.now() - this.since
    if (ms >= 500) this.add({ kind: 'dwell', ms: Math.min(ms, 3_600_000) })
    this.since = 0
  }

  private add(e: Omit<Event, 'n' | 'page' | 'at'> & { at?: number }) {
    if (this.allowed === false || !this.page) return
    if (this.open.length >= atOnce * 5) this.open.shift()
    this.open.push({ n: ++this.n, page: this.page, at: this.wires.now(), ...e })
    if (this.open.length >= atOnce && this.allowed) {
      this.close()
      void this.flush()
    } else this.soon()
  }

  private close() {
    if (!this.allowed || this.open.length === 0) return
    this.full.push({ run: this.wires.run, ...(this.link && { link: this.link }), events: this.open })
    this.open = []
    while (this.full.length > mostBatches) this.full.shift()
    this.wires.write(this.full)
  }

  private soon() {
    if (this.waiting || !this.allowed) return
    this.waiting = true
    this.wires.later(linger * 2 ** Math.min(this.lost, 5), () => {
      this.waiting = false
      this.close()
      void this.flush()
    })
  }

  /** Sends what is there, the oldest first; stops at the first failure that may pass. */
  async flush(): Promise<void> {
    if (this.busy || !this.allowed) return
    this.busy = true
    try {
      while (this.full.length && this.allowed) {
        const batch = this.full[0]
        try {
          if ((await this.wires.send(batch)).off) return this.allow(false)
          this.lost = 0
        } catch (e) {
          if ((e as { passing?: boolean }).passing !== false) {
            this.lost++
            this.soon()
            return
          }
        }
        this.full = this.full.filter((b) => b !== batch)
        if (this.allowed) this.wires.write(this.full)
      }
    } finally {
      this.busy = false
    }
  }
}
