// One member: where they stand, what they hold, and for each line why.
import { get, may } from "./api.js";
import { h, show } from "./dom.js";
import { date, full, num, pct, signed, yuan } from "./format.js";
import { byMonth, monthChart, orderTag } from "./overview.js";
import { statusTag } from "./members.js";
import { either, k, lang, t } from "./words.js";

function tierCard(c, m) {
  const next = c.next;
  const from = c.level.growth;
  const part = next ? Math.max(0.02, Math.min(1, (c.growth - from) / Math.max(1, next.growth - from))) : 1;
  return h("section", { class: "tier", vars: { "--c": c.level.colour } },
    h("div", { class: "top" }, h("b", {}, either(c.level)), h("span", {}, "× " + c.level.multiplier + " " + t("points"))),
    h("p", { class: "big" }, num(c.growth)), h("p", { class: "cap" }, t("growth") + " · " + t("ahead", { n: pct(c.ahead, 0) })),
    h("div", { class: "track", role: "progressbar", "aria-valuenow": Math.round(part * 100), "aria-valuemin": 0, "aria-valuemax": 100 }, h("i", { vars: { "--p": part * 100 + "%" } })),
    h("div", { class: "ends" }, h("span", {}, next ? t("toNext", { n: num(c.missing), tier: either(next) }) : t("top")), h("span", {}, (c.manual ? t("manual") + " · " : "") + (c.until ? t("validUntil", { d: date(c.until) }) : t("forever")))));
}

function balances(list) {
  const p = list.data.find((b) => b.asset === "points");
  const one = (name, value) => h("div", { class: "figure" }, h("dt", {}, t(name)), h("dd", {}, num(value)));
  return h("dl", { class: "figures slim" }, one("available", p.available), one("pending", p.pending), one("held", p.held), one("frozenPoints", p.frozen), p.debt > 0 && one("debt", p.debt));
}

function whyLine(l) {
  const en = lang() === "en";
  const sum = en ? l.arithmetic_en : l.arithmetic;
  const asset = k(l.asset);
  return h("li", { class: l.code === "given" ? "gave" : "" },
    h("p", {}, h("b", {}, en ? l.name_en : l.name_zh), l.version_no > 0 && h("span", { class: "faint small" }, " v" + l.version_no), h("span", { class: "faint small" }, " · " + asset)),
    h("p", {}, l.code === "given" && sum && [h("code", {}, sum), " · "], en ? l.en : l.zh));
}

// explain opens below a line what each rule gave or did not give.
async function explain(row, memberID, cause, columns) {
  if (row.nextSibling?.classList?.contains("why")) {
    row.nextSibling.remove();
    row.classList.remove("open");
    return;
  }
  row.classList.add("open");
  const cell = h("td", { colspan: columns }, h("p", { class: "faint" }, t("loading")));
  row.after(h("tr", { class: "why" }, cell));
  try {
    const why = await get(`/members/${memberID}/decisions/${cause}`);
    show(cell, h("ul", {}, why.data.map(whyLine)));
  } catch (e) {
    show(cell, h("p", { class: "faint" }, e.message));
  }
}

const orderOf = (e) => (e.ref.startsWith("order:") ? e.ref.slice(6) : "");
const causeOf = (e) => (e.kind === "earn" || e.kind === "clawback" ? orderOf(e) : "");

function entry(e, memberID, orders) {
  const cause = causeOf(e);
  const about = orderOf(e) ? [t("order"), orders.get(orderOf(e))].filter(Boolean).join(" ") : k(e.ref);
  const row = h("tr", { class: cause ? "link" : "" },
    h("td", {}, h("span", { class: "strong" }, k(e.kind)), cause && h("span", { class: "chev", "aria-hidden": "true" }, "›"), h("span", { class: "sub" }, e.reason || about)),
    h("td", { class: "wide soft" }, full(e.occurred_at)), h("td", { class: "wide soft" }, e.amount > 0 ? (e.expires_at ? date(e.expires_at - 1) : t("never")) : ""),
    h("td", { class: "num strong " + (e.amount > 0 ? "plus" : "minus") }, signed(e.amount)), h("td", { class: "num soft" }, num(e.balance)));
  if (cause) {
    row.tabIndex = 0;
    row.title = t("why");
    const open = () => explain(row, memberID, cause, 5);
    row.addEventListener("click", open);
    row.addEventListener("keydown", (ev) => { if (ev.key === "Enter") open(); });
  }
  return row;
}

function statement(memberID, asset, title, orders) {
  const body = h("tbody", {});
  const more = h("button", { class: "more", type: "button", hidden: true }, t("more"));
  const empty = h("p", { class: "empty", hidden: true }, t("none"));
  const load = async (cursor) => {
    const page = await get(`/members/${memberID}/statement?asset=${asset}&limit=${asset === "points" ? 10 : 5}` + (cursor ? "&cursor=" + cursor : ""));
    body.append(...page.data.map((e) => entry(e, memberID, orders)));
    more.hidden = !page.next;
    more.onclick = () => load(page.next);
    empty.hidden = body.children.length > 0;
  };
  load();
  return h("section", { class: "card tight" }, h("header", {}, h("h2", {}, title)),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, t("kind")), h("th", { class: "wide" }, t("time")), h("th", { class: "wide" }, t("expires")), h("th", { class: "num" }, t(asset === "points" ? "points" : "growth")), h("th", { class: "num" }, t("balance")))), body), empty, more);
}

const orderRow = (o) => h("tr", {}, h("td", {}, h("span", { class: "strong" }, o.no), h("span", { class: "sub" }, [o.source, o.channel, o.store].filter(Boolean).join(" · "))),
  h("td", {}, orderTag(o.status)), h("td", { class: "wide soft" }, full(o.occurred_at)),
  h("td", { class: "num strong" }, yuan(o.amount), o.refunded > 0 && h("span", { class: "sub" }, t("refunded") + " " + yuan(o.refunded))));

const ordersShown = 6;

function ordersCard(memberID, first) {
  const body = h("tbody", {});
  const more = h("button", { class: "more", type: "button" }, t("more"));
  let waiting = first.data;
  let next = first.next;
  const turn = async () => {
    if (waiting.length === 0 && next) {
      const page = await get(`/members/${memberID}/orders?limit=20&cursor=${next}`);
      waiting = page.data;
      next = page.next;
    }
    body.append(...waiting.splice(0, ordersShown).map(orderRow));
    more.hidden = waiting.length === 0 && !next;
  };
  more.addEventListener("click", turn);
  turn();
  return h("section", { class: "card tight" }, h("header", {}, h("h2", {}, t("orders"))),
    first.data.length === 0 && body.children.length === 0 ? h("p", { class: "empty" }, t("none")) : h("table", {},
      h("thead", {}, h("tr", {}, h("th", {}, t("order")), h("th", {}, t("status")), h("th", { class: "wide" }, t("time")), h("th", { class: "num" }, t("amount")))), body), more);
}

function lotsCard(lots, expiries, now) {
  return h("section", { class: "card" }, h("header", {}, h("h2", {}, t("expiries"))),
    expiries.data.length > 0 ? monthChart(byMonth(expiries.data, now, (e) => e.amount), 130) : null,
    lots.data.length === 0 ? h("p", { class: "faint" }, t("none")) : h("ul", { class: "rows" }, lots.data.map((l) => h("li", {},
      h("i", { class: "dot", vars: { "--c": ["", "var(--accent)", "var(--cool)", "var(--warn)"][l.class] || "var(--faint)" } }), h("span", {}, t("class" + (l.class || 3))), h("span", { class: "num strong" }, num(l.remaining)), h("span", { class: "aim nowrap" }, l.expires_at ? date(l.expires_at - 1) : t("never"))))));
}

function historyCard(c) {
  const rows = [...c.history.map((i) => ({ at: i.from, title: either(i), note: k(i.reason) + (i.by && !/^(system|partner|job|staff|import)/.test(i.by) ? " · " + i.by : ""), tier: true })),
    ...c.notices.map((n) => ({ at: n.at, title: t("notices"), note: t("notice", { n: n.n, s: num(n.short) }) }))].sort((a, b) => b.at - a.at);
  return h("section", { class: "card" }, h("header", {}, h("h2", {}, t("history"))),
    rows.length === 0 ? h("p", { class: "faint" }, either(c.level) + " · " + k("join")) : h("ol", { class: "line" }, rows.map((r) => h("li", {}, h("i", { class: "dot", vars: { "--c": r.tier ? "var(--accent)" : "var(--warn)" } }), h("span", { class: "strong" }, r.title), " ", h("span", { class: "soft small" }, r.note), h("span", { class: "sub faint small" }, " · " + date(r.at))))));
}

function profileCard(m) {
  const pair = (name, value) => value && h("div", {}, h("dt", {}, name), h("dd", {}, value));
  const p = m.profile;
  return h("section", { class: "card" }, h("header", {}, h("h2", {}, t("profile"))), h("dl", { class: "pairs" },
    pair(t("nickname"), p.nickname), pair(t("phone"), p.phone), pair(t("birthday"), p.birthday), pair(t("gender"), p.gender && k(p.gender)), pair(t("region"), p.region), pair(t("channel"), m.channel), pair(t("store"), m.store),
    m.identities.map((i) => pair(k(i.kind), i.value + (i.issuer ? " · " + i.issuer : "")))));
}

export function member(main, id) {
  let over = false;
  (async () => {
    const m = await get("/members/" + id);
    const [status, bal, tier, lots, expiries, orders] = await Promise.all(["/status", `/members/${m.id}/balances`, `/members/${m.id}/tier`, `/members/${m.id}/lots?limit=6`, `/members/${m.id}/expiries`, `/members/${m.id}/orders?limit=20`].map(may));
    if (over) return;
    const numbers = new Map((orders?.data || []).map((o) => [o.id, o.no]));
    show(main,
      h("div", { class: "head" }, h("div", { class: "grow" }, h("p", { class: "small" }, h("a", { href: "#/members" }, "‹ " + t("back"))), h("h1", {}, m.name || m.phone || t("member") + " …" + m.id.slice(-6)),
        h("p", { class: "soft" }, h("span", { class: "mono" }, m.id), " · ", t("memberSince", { d: date(m.joined_at) }))), statusTag(m.status)),
      h("div", { class: "grid two" },
        h("div", { class: "stack" }, bal && balances(bal), bal && statement(m.id, "points", t("statement"), numbers), orders && ordersCard(m.id, orders), bal && statement(m.id, "growth", t("growthStatement"), numbers)),
        h("div", { class: "stack" }, tier && tierCard(tier, m), lots && lotsCard(lots, expiries, status.now), tier && historyCard(tier), profileCard(m))));
  })();
  return () => { over = true; };
}
