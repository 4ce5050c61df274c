// The overview: how the programme is, now and lately. It asks again every few seconds while somebody looks.
import { may } from "./api.js";
import { bars, curve } from "./charts.js";
import { h, show } from "./dom.js";
import { bytes, clockTime, dayFull, dayShort, moment, monthOf, nextDay, num, pct, today, wholeYuan, yuan } from "./format.js";
import { either, k, t } from "./words.js";

const again = 10_000;
const attention = 10 * 60_000;

// Asking again keeps a session alive, so it is done only while somebody is there: an empty chair logs itself out.
let touched = Date.now();
for (const event of ["pointermove", "pointerdown", "keydown", "scroll"]) addEventListener(event, () => { touched = Date.now(); }, { passive: true });
const shown = 30; // days in a chart

async function load() {
  const [status, total, liability, tiers, flows, orders, latest, expiries] = await Promise.all(
    ["/status", "/members/total", "/reports/liability", "/reports/tiers", "/reports/flows", "/reports/orders?from=19900101", "/orders/latest?limit=6", "/reports/expiries?days=365"].map(may));
  return { status, total, liability, tiers, flows, orders, latest, expiries };
}

const figure = (name, value, unit, note) => h("div", { class: "figure" }, h("dt", {}, name), h("dd", {}, value, unit && h("small", {}, " " + unit)), h("p", {}, note));

const sinceMidnight = (n) => (n > 0 ? h("b", {}, t("todayN", { n: "+" + num(n) })) : t("todayN", { n: 0 }));

function figures(d) {
  const day = today(d.status.now);
  const sum = (rows, f) => rows.reduce((s, r) => s + f(r), 0);
  const rows = d.orders?.data || [];
  const now = rows.filter((r) => r.day === day);
  return h("dl", { class: "figures" },
    d.total && figure(t("members"), num(d.total.members), "", sinceMidnight(d.total.today)),
    d.orders && figure(t("orders"), num(sum(rows, (r) => r.orders)), "", [sinceMidnight(sum(now, (r) => r.orders)), " · ", wholeYuan(sum(rows, (r) => r.amount - r.refunded))]),
    d.liability && figure(t("outstanding"), num(d.liability.points), "", t("debt") + " " + num(d.liability.debt)),
    d.liability && figure(t("liability"), wholeYuan(d.liability.fen), "", t("expected") + " " + wholeYuan(d.liability.expected_fen)),
    d.liability && figure(t("burn"), pct(d.liability.burn_rate), "", t("breakage") + " " + pct(d.liability.breakage)));
}

function card(title, side, ...body) {
  return h("section", { class: "card" }, h("header", {}, h("h2", {}, title), side), body);
}

// days fills the gaps between days with data, up to the last of them, so that a quiet day shows as one.
function days(found, last, make) {
  const out = [];
  for (let i = shown - 1; i >= 0; i--) {
    const day = nextDay(last, -i);
    out.push({ day, ...(found.get(day) || make()) });
  }
  return out;
}

function flowChart(d) {
  const by = new Map();
  for (const f of d.flows.data) {
    const row = by.get(f.day) || { issued: 0, used: 0, lapsed: 0 };
    if (f.kind === "earn" || f.kind === "grant" || f.amount > 0 && f.kind === "adjust") row.issued += f.amount;
    else if (f.kind === "spend" || f.kind === "restore") row.used -= f.amount;
    else if (f.kind === "expire" || f.kind === "clawback" || f.kind === "seize") row.lapsed -= f.amount;
    by.set(f.day, row);
  }
  const rows = days(by, d.flows.until, () => ({ issued: 0, used: 0, lapsed: 0 }));
  const reading = h("p", { class: "reading" });
  const read = (r) => `${dayFull(r.day)} · ${t("issued")} ${num(r.issued)} · ${t("used")} ${num(r.used)} · ${t("lapsed")} ${num(r.lapsed)}`;
  const sum = (f) => num(rows.reduce((s, r) => s + f(r), 0));
  show(reading, `${t("last30")} · ${t("issued")} ${sum((r) => r.issued)} · ${t("used")} ${sum((r) => r.used)} · ${t("lapsed")} ${sum((r) => r.lapsed)}`);
  const legend = [["issued", "--accent"], ["used", "--cool"], ["lapsed", "--warn"]].map(([name, c]) => h("span", {}, h("i", { class: "dot", vars: { "--c": `var(${c})` } }), t(name)));
  return card(t("flows"), h("span", { class: "legend" }, legend), reading,
    bars(rows, { height: 210, up: (r) => r.issued, down: (r) => [{ n: r.used, cls: "down" }, { n: r.lapsed, cls: "lapse" }], name: (r) => dayShort(r.day), read, reading }));
}

function salesChart(d) {
  const by = new Map();
  for (const o of d.orders.data) {
    const row = by.get(o.day) || { amount: 0, orders: 0 };
    row.amount += o.amount - o.refunded;
    row.orders += o.orders;
    by.set(o.day, row);
  }
  const reading = h("p", { class: "reading" });
  if (!by.size) return card(t("sales30"), null, h("p", { class: "empty" }, t("none")));
  const rows = days(by, Math.max(...by.keys()), () => ({ amount: 0, orders: 0 }));
  const read = (r) => `${dayFull(r.day)} · ${yuan(r.amount)} · ${t("ordersN", { n: num(r.orders) })}`;
  show(reading, `${dayFull(rows[0].day)} – ${dayFull(rows.at(-1).day)} · ${wholeYuan(rows.reduce((s, r) => s + r.amount, 0))} · ${t("ordersN", { n: num(rows.reduce((s, r) => s + r.orders, 0)) })}`);
  return card(t("sales30"), null, reading, curve(rows, { height: 170, value: (r) => Math.max(0, r.amount), name: (r) => dayShort(r.day), read, reading }));
}

function mixCard(d) {
  const rows = d.tiers.data;
  return card(t("mix"), h("span", { class: "faint small ends" }, h("span", {}, t("share")), h("span", {}, t("target"))),
    h("div", { class: "mix", role: "img", "aria-label": t("mix") }, rows.map((r) => Number(r.share) > 0 && h("i", { title: either(r.level), vars: { "--c": r.level.colour, "--n": r.share } }))),
    h("div", { class: "mix aim" }, rows.map((r) => h("i", { vars: { "--c": r.level.colour, "--n": r.target } }))),
    h("ul", { class: "rows" }, rows.map((r) => h("li", {}, h("i", { class: "dot", vars: { "--c": r.level.colour } }), h("span", {}, either(r.level)), h("span", { class: "num" }, num(r.members)), h("span", { class: "aim soft" }, pct(r.share)), h("span", { class: "aim" }, pct(r.target))))));
}

// byMonth sums a calendar of days over the coming twelve months.
export function byMonth(list, now, value) {
  const first = Math.floor(today(now) / 100);
  const rows = Array.from({ length: 12 }, (_, i) => {
    const m = first % 100 - 1 + i;
    return { month: (Math.floor(first / 100) + Math.floor(m / 12)) * 100 + m % 12 + 1, n: 0 };
  });
  for (const e of list) {
    const row = rows.find((r) => r.month === Math.floor(e.day / 100));
    if (row) row.n += value(e);
  }
  return rows;
}

export function monthChart(rows, height = 150) {
  const reading = h("p", { class: "reading" });
  const read = (r) => `${monthOf(r.month * 100 + 1)} · ${num(r.n)} ${t("points")}`;
  show(reading, read(rows.find((r) => r.n > 0) || rows[0]));
  return [reading, bars(rows, { height, up: (r) => r.n, name: (r) => monthOf(r.month * 100 + 1), read, reading })];
}

export const orderTag = (s) => h("span", { class: "tag " + ({ paid: "good", closed: "good", partially_refunded: "warn", refunded: "bad" }[s] || "") }, k(s));

function latestCard(d) {
  const rows = d.latest.data;
  return h("section", { class: "card tight" }, h("header", {}, h("h2", {}, t("latest"))),
    rows.length === 0 ? h("p", { class: "empty" }, t("none")) : h("table", {},
      h("thead", {}, h("tr", {}, h("th", {}, t("order")), h("th", { class: "wide" }, t("member")), h("th", {}, t("status")), h("th", { class: "num" }, t("amount")), h("th", { class: "num wide" }, t("time")))),
      h("tbody", {}, rows.map((o) => h("tr", { class: o.member ? "link" : null, on: o.member ? { click: () => { location.hash = "#/members/" + o.member; } } : {} },
        h("td", {}, h("span", { class: "strong" }, o.no), h("span", { class: "sub" }, [o.source, o.channel].filter(Boolean).join(" · "))),
        h("td", { class: "wide" }, o.member ? h("a", { href: "#/members/" + o.member, class: "mono" }, "…" + o.member.slice(-8)) : h("span", { class: "faint" }, t("guest"))),
        h("td", {}, orderTag(o.status)), h("td", { class: "num strong" }, yuan(o.amount)), h("td", { class: "num wide soft" }, moment(o.occurred_at)))))));
}

const isWell = (s) => s.jobs.dead === 0 && s.waiting < 1000;

function healthCard(s) {
  const row = (name, value, bad) => h("div", {}, h("dt", {}, t(name)), h("dd", { class: bad ? "strong" : "" }, bad ? h("span", { class: "tag bad" }, value) : value));
  return card(t("health"), h("span", { class: "live" + (isWell(s) ? "" : " bad") }, h("i", { class: "dot" }), isWell(s) ? t("live") : t("liveBad")),
    h("dl", { class: "pairs" }, row("waiting", num(s.waiting), s.waiting >= 1000), row("jobs", num(s.jobs.ready + s.jobs.running)), row("dead", num(s.jobs.dead), s.jobs.dead > 0), row("storage", bytes(s.bytes)), row("wal", bytes(s.wal_bytes))));
}

function fill(main, d) {
  show(main,
    h("div", { class: "head" }, h("div", { class: "grow" }, h("h1", {}, t("overview")), h("p", { class: "soft" }, t("overviewLead"))),
      h("span", { class: "live" + (isWell(d.status) ? "" : " bad") }, h("i", { class: "dot" }), t("updated") + " " + clockTime(d.status.now))),
    h("div", { class: "grid" }, figures(d),
      h("div", { class: "grid two" },
        h("div", { class: "stack" }, d.flows && flowChart(d), d.orders && salesChart(d), d.latest && latestCard(d)),
        h("div", { class: "stack" }, d.tiers && mixCard(d), d.expiries && card(t("expiriesAll"), null, monthChart(byMonth(d.expiries.data, d.status.now, (e) => e.points))), healthCard(d.status)))));
}

export function overview(main, { failed }) {
  let over = false;
  let timer;
  let last = "";
  const turn = async () => {
    try {
      const d = await load();
      const text = JSON.stringify({ ...d, status: { ...d.status, now: 0 } });
      const clock = main.querySelector(".head .live");
      if (over) return;
      if (text !== last || !clock) fill(main, d);
      else clock.lastChild.textContent = t("updated") + " " + clockTime(d.status.now);
      last = text;
    } catch (e) {
      if (!over && (e.status || !last)) return failed(e);
    }
    timer = setTimeout(next, again);
  };
  const next = () => (document.hidden || Date.now() - touched > attention ? (timer = setTimeout(next, again)) : turn());
  turn();
  return () => { over = true; clearTimeout(timer); };
}
