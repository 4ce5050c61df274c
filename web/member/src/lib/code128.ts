// Code 128 as widths of bars and gaps, in pure arithmetic: no canvas, the same in browsers and the mini program.

const patterns =
  '212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112'.split(
    ' ',
  )

const startB = 104
const startC = 105
const toB = 100
const toC = 99
const stop = 106

/** The symbols of a text: pairs of digits in set C, everything else in set B. */
export function symbols(text: string): number[] {
  const out: number[] = []
  let set = ''
  for (let i = 0; i < text.length; ) {
    const digits = /^\d*/.exec(text.slice(i))![0].length
    const pairs = digits >= 4 || (digits === text.length && digits >= 2) || (set === 'C' && digits >= 2)
    const want = pairs && (digits % 2 === 0 || set === 'C') ? 'C' : 'B'
    if (set !== want) {
      out.push(set === '' ? (want === 'C' ? startC : startB) : want === 'C' ? toC : toB)
      set = want
    }
    if (set === 'C') {
      out.push(Number(text.slice(i, i + 2)))
      i += 2
      continue
    }
    const code = text.charCodeAt(i) - 32
    if (code < 0 || code > 94) throw new RangeError('Code 128 B has no ' + JSON.stringify(text[i]))
    out.push(code)
    i++
  }
  const sum = out.reduce((total, symbol, at) => total + symbol * (at || 1), 0)
  return [...out, sum % 103, stop]
}

export interface Bar {
  at: number
  width: number
}

/** The black bars of a text, in modules, and how many modules there are without the quiet zones. */
export function code128(text: string): { bars: Bar[]; modules: number } {
  const bars: Bar[] = []
  let at = 0
  for (const symbol of symbols(text)) {
    ;[...patterns[symbol]].forEach((digit, n) => {
      const width = Number(digit)
      if (n % 2 === 0) bars.push({ at, width })
      at += width
    })
  }
  return { bars, modules: at }
}
