// Months as the service counts them: 202607 is July 2026; days are 20260731.

/** The cells of a month in weeks from Monday: the day of the month, 0 where the week begins or ends in another one. */
export function monthCells(month: number): number[] {
  const y = Math.floor(month / 100)
  const m = month % 100
  const lead = (new Date(Date.UTC(y, m - 1, 1)).getUTCDay() + 6) % 7
  const days = new Date(Date.UTC(y, m, 0)).getUTCDate()
  const cells = [...Array(lead).fill(0), ...Array.from({ length: days }, (_, i) => i + 1)]
  while (cells.length % 7) cells.push(0)
  return cells
}

export function shiftMonth(month: number, by: number): number {
  const n = Math.floor(month / 100) * 12 + (month % 100) - 1 + by
  return Math.floor(n / 12) * 100 + (n % 12) + 1
}
