// The rules, as they are in force: settings and caps are worded by the forms of their kinds.
import { get } from "./api.js";
import { h, show } from "./dom.js";
import { date, num, yuan } from "./format.js";
import { either, k, t } from "./words.js";

// A form's field words a value the way people read it.
function worded(field, value) {
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  const option = (field.options || []).find((o) => o.value === value);
  if (option) return either(option);
  if (field.unit === "fen") return yuan(value);
  return typeof value === "number" ? num(value) : String(value);
}

const pair = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

function settings(form, values) {
  return form.fields.filter((f) => values[f.name] !== undefined && values[f.name] !== 0 && values[f.name] !== "").map((f) => pair(either(f), worded(f, values[f.name])));
}

// condition words a tree of conditions: joined by "and", "or", and turned round by "not".
function condition(c, fields) {
  if (!c || Object.keys(c).length === 0) return t("always");
  if (c.all) return c.all.map((x) => condition(x, fields)).join(" ∧ ") || t("always");
  if (c.any) return "(" + c.any.map((x) => condition(x, fields)).join(" ∨ ") + ")";
  if (c.not) return "¬ " + condition(c.not, fields);
  const field = fields.find((f) => f.name === c.field);
  const sign = { eq: "=", ne: "≠", gt: ">", gte: "≥", lt: "<", lte: "≤", in: "∈", nin: "∉", between: "∈" }[c.op] || c.op;
  const value = field?.unit === "fen" && typeof c.value === "number" ? yuan(c.value) : Array.isArray(c.value) ? c.value.join(", ") : c.value;
  return [field ? either(field) : c.field, sign, value].filter((x) => x !== undefined).join(" ");
}

function state(r, now) {
  if (r.current) return h("span", { class: "tag good" }, t("inForce"));
  const last = r.versions.at(-1);
  if (last.state === "draft") return h("span", { class: "tag" }, t("draft"));
  return last.state === "published" && last.from > now ? h("span", { class: "tag warn" }, t("scheduled")) : h("span", { class: "tag" }, t("retired"));
}

function card(r, kinds, now) {
  const v = r.current || r.versions.at(-1);
  const s = v.spec;
  const kind = kinds.data.find((x) => x.name === s.kind);
  const caps = settings(kinds.caps, { ...s.caps, over: undefined });
  return h("section", { class: "card rule" }, h("header", {}, h("h2", {}, either(s)), state(r, now)),
    h("p", { class: "soft small" }, kind && either(kind) !== either(s) && either(kind) + " · ", "v", v.no, v.state !== "draft" && [" · ", v.from ? t("since", { d: date(v.from) }) : t("sinceStart")]),
    h("dl", { class: "pairs" }, settings(kind.form, { ...kind.defaults, ...(s.settings || {}) }), pair(t("validity"), s.asset === "growth" ? k("growth") : t("class" + s.class)), pair(t("when"), condition(s.when, kinds.fields)), caps, pair(t("priority"), num(s.priority || 0))));
}

export function rules(main, { failed }) {
  let over = false;
  Promise.all([get("/rule-kinds"), get("/rules"), get("/status")]).then(([kinds, list, status]) => {
    if (over) return;
    const order = [...list.data].sort((a, b) => Number(Boolean(b.current)) - Number(Boolean(a.current)) || (b.current?.spec.priority || 0) - (a.current?.spec.priority || 0));
    show(main, h("div", { class: "head" }, h("div", { class: "grow" }, h("h1", {}, t("rules")), h("p", { class: "soft" }, t("rulesLead")))),
      order.length === 0 ? h("p", { class: "card empty" }, t("none")) : h("div", { class: "rules" }, order.map((r) => card(r, kinds, status.now))));
  }, (e) => { if (!over) (e.status === 403 ? show(main, h("p", { class: "card empty" }, t("noAccess"))) : failed(e)); });
  return () => { over = true; };
}
