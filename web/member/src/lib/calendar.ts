/** The weeks of a month such as 202611, Monday first; 0 stands where no day of it is. */
export function calendar(month: number): number[][] {
  const y = Math.floor(month / 100)
  const m = month % 100
  const first = (new Date(Date.UTC(y, m - 1, 1)).getUTCDay() + 6) % 7
  const last = new Date(Date.UTC(y, m, 0)).getUTCDate()
  const cells = [...Array<number>(first).fill(0), ...Array.from({ length: last }, (_, n) => month * 100 + n + 1)]
  while (cells.length % 7) cells.push(0)
  return Array.from({ length: cells.length / 7 }, (_, n) => cells.slice(n * 7, n * 7 + 7))
}
