// Colours that a brand gives, made readable: whatever it chose, text keeps a contrast of 4.5 : 1 or more.

export type Rgb = [number, number, number]

export function parse(hex: string, fallback = '#0f5c4d'): Rgb {
  const full = hex.replace(/^#([0-9a-f])([0-9a-f])([0-9a-f])$/i, '#$1$1$2$2$3$3')
  const m = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(full)
  if (!m) return hex === fallback ? [15, 92, 77] : parse(fallback, fallback)
  return [parseInt(m[1], 16), parseInt(m[2], 16), parseInt(m[3], 16)]
}

export const show = (c: Rgb): string => '#' + c.map((v) => Math.round(v).toString(16).padStart(2, '0')).join('')

export const mix = (a: Rgb, b: Rgb, share: number): Rgb => [0, 1, 2].map((i) => a[i] + (b[i] - a[i]) * share) as Rgb

function luminance(c: Rgb): number {
  const [r, g, b] = c.map((v) => {
    const s = v / 255
    return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

export function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m)
  return (x + 0.05) / (y + 0.05)
}

const black: Rgb = [22, 16, 12]
const white: Rgb = [255, 255, 255]

/** The colour itself, or the nearest darker or lighter one that can be read on a ground. */
export function readable(c: Rgb, ground: Rgb, least = 4.6): Rgb {
  const towards = luminance(ground) > 0.4 ? black : white
  for (let share = 0; share < 1; share += 0.04) {
    const tried = mix(c, towards, share)
    if (contrast(tried, ground) >= least) return tried
  }
  return towards
}

/** White or near-black, whichever reads better on a ground. */
export const inkOn = (ground: Rgb): Rgb => (contrast(white, ground) >= 4.5 ? white : contrast(black, ground) >= contrast(white, ground) ? black : white)

export interface Look {
  primary: string
  accent: string
  paper: string
  dark_paper: string
}

/** A colour at full strength: a tint of a dark one would be grey. */
function vivid(c: Rgb): Rgb {
  const most = Math.max(...c, 1)
  return c.map((v) => (v * 205) / most) as Rgb
}

/** What the pages need of a brand's look, as CSS variables: `-l` in the light, `-d` in the dark. */
export function brandVars(look: Look): Record<string, string> {
  const c = parse(look.primary)
  const glow = parse(look.accent, '#c8873c')
  const paper = parse(look.paper, '#f6f5f2')
  const night = parse(look.dark_paper, '#121413')
  const sunk = mix(paper, black, 0.05)
  const nightSunk = mix(night, white, 0.1)
  const soft = mix(paper, vivid(c), 0.15)
  const nightSoft = mix(nightSunk, c, 0.35)
  return {
    '--brand': show(c),
    '--on-brand': show(inkOn(c)),
    '--warm-l': show(mix(paper, glow, 0.2)),
    '--warm-d': show(mix(night, glow, 0.22)),
    '--warm-ink-l': show(readable(glow, mix(paper, glow, 0.2))),
    '--warm-ink-d': show(readable(glow, mix(night, glow, 0.22))),
    '--glow': show(glow),
    '--accent-l': show(readable(readable(c, sunk), soft)),
    '--accent-d': show(readable(readable(c, nightSunk), nightSoft)),
    '--soft-l': show(soft),
    '--soft-d': show(nightSoft),
    '--ground-l': show(paper),
    '--ground-d': show(night),
    '--sunk-l': show(sunk),
    '--sunk-d': show(nightSunk),
  }
}
