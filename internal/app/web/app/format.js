// Numbers, money and times, as people of the chosen language write them, in the zone of the programme.
import { lang } from "./words.js";

let zone = "Asia/Shanghai";
export const setZone = (z) => { zone = z; };

const locale = () => (lang() === "en" ? "en-GB" : "zh-CN");
export const num = (n) => new Intl.NumberFormat(locale()).format(n);
export const signed = (n) => (n > 0 ? "+" : n < 0 ? "−" : "") + num(Math.abs(n));
export const yuan = (fen) => (fen < 0 ? "−¥" : "¥") + new Intl.NumberFormat(locale(), { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(Math.abs(fen) / 100);

// wholeYuan leaves fen out where a sum is large: figures are read at a glance.
export const wholeYuan = (fen) => (Math.abs(fen) < 1e6 ? yuan(fen) : (fen < 0 ? "−¥" : "¥") + num(Math.round(Math.abs(fen) / 100)));
export const pct = (rate, digits = 1) => new Intl.NumberFormat(locale(), { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(Number(rate));
export const bytes = (n) => (n < 1e6 ? num(Math.round(n / 1e3)) + " kB" : n < 1e9 ? num(Math.round(n / 1e5) / 10) + " MB" : num(Math.round(n / 1e8) / 10) + " GB");

const when = (ms, options) => new Intl.DateTimeFormat(locale(), { timeZone: zone, ...options }).format(new Date(ms));
export const date = (ms) => when(ms, { year: "numeric", month: "short", day: "numeric" });
export const moment = (ms) => when(ms, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
export const full = (ms) => when(ms, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
export const clockTime = (ms) => when(ms, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

// A local day is a number such as 20260131; it is a day everywhere, so no zone is asked.
const plain = (day) => Date.UTC(Math.floor(day / 10000), Math.floor(day / 100) % 100 - 1, day % 100);
const utc = (day, options) => new Intl.DateTimeFormat(locale(), { timeZone: "UTC", ...options }).format(new Date(plain(day)));
export const dayShort = (day) => utc(day, { month: "short", day: "numeric" });
export const dayFull = (day) => utc(day, { year: "numeric", month: "short", day: "numeric" });
export const monthOf = (day) => utc(day, { year: "2-digit", month: "short" });
export const today = (ms) => Number(new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).format(new Date(ms)).replaceAll("-", ""));

export function nextDay(day, n = 1) {
  const d = new Date(plain(day) + n * 86400000);
  return d.getUTCFullYear() * 10000 + (d.getUTCMonth() + 1) * 100 + d.getUTCDate();
}
