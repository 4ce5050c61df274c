// The list of members, and finding one: by number, or by an identity, which travels in a body and never in an address.
import { get, may, post } from "./api.js";
import { h, show } from "./dom.js";
import { date, num } from "./format.js";
import { t } from "./words.js";

const statuses = { active: "good", frozen: "warn", blacklisted: "bad", cancelled: "" };
export const statusTag = (s) => h("span", { class: "tag " + statuses[s] }, t(s));

const kinds = [["number", "byNumber"], ["phone", "byPhone"], ["card", "byCard"], ["openid", "byOpenid"], ["unionid", "byUnionid"], ["external", "byExternal"]];

function search() {
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const issuer = h("input", { class: "issuer", name: "issuer", placeholder: t("issuer"), hidden: true, maxlength: 64 });
  const value = h("input", { name: "value", placeholder: t("searchMember"), autocomplete: "off", spellcheck: "false", required: true, maxlength: 128, "aria-label": t("searchMember") });
  const kind = h("select", { name: "kind", "aria-label": t("find"), on: { change: () => { issuer.hidden = kind.value === "number" || kind.value === "phone"; } } }, kinds.map(([v, name]) => h("option", { value: v }, t(name))));
  // What is typed says mostly itself what it is: eleven digits are a phone, more are a member's number.
  value.addEventListener("input", () => {
    const digits = /^\d+$/.test(value.value.trim());
    if (digits && kind.value !== "card" && kind.value !== "external") kind.value = value.value.trim().length === 11 ? "phone" : "number";
  });
  const send = async (e) => {
    e.preventDefault();
    problem.hidden = true;
    const typed = value.value.trim();
    try {
      const found = kind.value === "number" ? await get("/members/" + encodeURIComponent(typed)) : await post("/members/lookup", { kind: kind.value, issuer: issuer.hidden ? "" : issuer.value.trim(), value: typed });
      location.hash = "#/members/" + found.id;
    } catch (err) {
      problem.hidden = false;
      show(problem, err.message);
    }
  };
  return [h("form", { class: "search", role: "search", on: { submit: send } }, kind, value, issuer, h("button", { class: "button", type: "submit" }, t("find"))), problem];
}

const row = (m) => h("tr", { class: "link", on: { click: () => { location.hash = "#/members/" + m.id; } } },
  h("td", {}, h("a", { class: "strong", href: "#/members/" + m.id }, m.name || m.phone || "…" + m.id.slice(-6)), h("span", { class: "sub mono" }, m.id)),
  h("td", { class: "wide" }, m.phone || "—"), h("td", {}, statusTag(m.status)), h("td", { class: "wide" }, m.channel || "—"), h("td", { class: "wide" }, m.store || "—"), h("td", { class: "num soft wide" }, date(m.joined_at)));

export function members(main, { failed }) {
  let over = false;
  const body = h("tbody", {});
  const more = h("button", { class: "more", type: "button", hidden: true }, t("more"));
  const empty = h("p", { class: "empty", hidden: true }, t("noMembers"));
  const filter = h("select", { "aria-label": t("status") }, h("option", { value: "" }, t("all")), Object.keys(statuses).map((s) => h("option", { value: s }, t(s))));
  const load = async (cursor) => {
    const q = new URLSearchParams({ limit: "50" });
    if (filter.value) q.set("status", filter.value);
    if (cursor) q.set("cursor", cursor);
    try {
      const page = await get("/members?" + q);
      if (over) return;
      if (!cursor) show(body);
      body.append(...page.data.map(row));
      empty.hidden = body.children.length > 0;
      more.hidden = !page.next;
      more.onclick = () => load(page.next);
    } catch (e) {
      if (!over) failed(e);
    }
  };
  filter.addEventListener("change", () => load());
  const lead = h("p", { class: "soft" });
  may("/members/total").then((n) => n && show(lead, t("membersLead", { n: num(n.members), m: num(n.month) })), () => {});
  show(main, h("div", { class: "head" }, h("div", { class: "grow" }, h("h1", {}, t("members")), lead), h("div", {}, filter)), search(),
    h("section", { class: "card tight" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, t("member")), h("th", { class: "wide" }, t("phone")), h("th", {}, t("status")), h("th", { class: "wide" }, t("channel")), h("th", { class: "wide" }, t("store")), h("th", { class: "num wide" }, t("joined")))), body), empty, more));
  load();
  return () => { over = true; };
}
