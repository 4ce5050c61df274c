// The behaviour SDK (行为采集): page, click, dwell and share. Nothing is gathered before the member has agreed; a batch that was
// not answered goes again under the same key, so that it counts once.
import { newKey } from '@/api/http'

export interface Event {
  kind: 'page' | 'click' | 'dwell' | 'share'
  page: string
  target?: string
  ms?: number
  at: number
}

export interface Batch {
  key: string
  events: Event[]
}

export interface Wires {
  send: (events: Event[], key: string) => Promise<unknown>
  now: () => number
  later: (ms: number, run: () => void) => unknown
  read: () => Batch[]
  write: (list: Batch[]) => void
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
  private busy = false
  private waiting = false
  private lost = 0

  constructor(private readonly wires: Wires) {
    this.full = wires.read()
  }

  /** Consent given or withdrawn. Until it is known, events of this visit wait in memory; without it they are dropped. */
  allow(yes: boolean) {
    this.allowed = yes
    if (!yes) {
      this.open = []
      this.full = []
      this.wires.write([])
    } else this.soon()
  }

  /** A page is shown; how long the one before was looked at is told as well. */
  enter(page: string) {
    this.leave()
    this.page = page
    this.since = this.wires.now()
    this.add({ kind: 'page', page, at: this.since })
  }

  click(target: string) {
    this.add({ kind: 'click', page: this.page, target, at: this.wires.now() })
  }

  share(target: string) {
    this.add({ kind: 'share', page: this.page, target, at: this.wires.now() })
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

  private leave() {
    if (!this.since) return
    const ms = this.wires.now() - this.since
    if (ms >= 500) this.add({ kind: 'dwell', page: this.page, ms: Math.min(ms, 3_600_000), at: this.wires.now() })
    this.since = 0
  }

  private add(e: Event) {
    if (this.allowed === false) return
    if (this.open.length >= atOnce * 5) this.open.shift()
    this.open.push(e)
    if (this.open.length >= atOnce && this.allowed) {
      this.close()
      void this.flush()
    } else this.soon()
  }

  private close() {
    if (!this.allowed || this.open.length === 0) return
    this.full.push({ key: newKey(), events: this.open })
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
      while (this.full.length) {
        const batch = this.full[0]
        try {
          await this.wires.send(batch.events, batch.key)
          this.lost = 0
        } catch (e) {
          if ((e as { passing?: boolean }).passing !== false) {
            this.lost++
            this.soon()
            return
          }
        }
        this.full = this.full.filter((b) => b !== batch)
        this.wires.write(this.full)
      }
    } finally {
      this.busy = false
    }
  }
}
