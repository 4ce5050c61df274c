"use strict";
// The API reference: it draws openapi.json. Every node is built, never parsed from text, so that the page lives
// under a policy without inline code.

const words = {
  filter: ["搜索操作或错误码", "Search operations and codes"], other: ["English", "中文"],
  params: ["参数", "Parameters"], body: ["请求体", "Request body"], reply: ["回复", "Reply"], problems: ["错误", "Problems"],
  name: ["名称", "Name"], type: ["类型", "Type"], note: ["说明", "Description"], code: ["错误码", "Code"], status: ["状态", "Status"],
  example: ["示例", "Example"], copy: ["复制", "Copy"], copied: ["已复制", "Copied"], required: ["必填", "required"],
  perm: ["权限", "Permission"], open: ["公开", "public"], any: ["已登录或已签名即可", "whoever is known"],
  allCodes: ["全部错误码", "All problem codes"], empty: ["没有字段", "No fields"], failed: ["接口描述加载失败", "The description could not be loaded"],
  codesNote: ["所有失败都以 application/problem+json 回复；code 是稳定的，可以据此编程。",
    "Every failure is answered as application/problem+json; the code is stable and meant for programs."],
};

let spec = null;
let lang = remembered() || (navigator.language.startsWith("en") ? "en" : "zh");

function remembered() {
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked === "zh" || asked === "en") return asked;
  try { return localStorage.getItem("docs.lang"); } catch { return null; }
}

const pick = (zh, en) => (lang === "en" ? en : zh) || zh || en || "";
const say = (key) => pick(...words[key]);
const both = (text) => { const [zh, en] = (text || "").split("|"); return pick(zh, en); };
const byId = (id) => document.getElementById(id);

// el makes an element: el("a.code", {href}, child, "text").
function el(kind, attrs, ...children) {
  const [tag, ...classes] = kind.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [k, v] of Object.entries(attrs || {})) {
    if (k.startsWith("on")) node.addEventListener(k.slice(2), v);
    else if (v !== undefined && v !== false) node.setAttribute(k, v);
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== ""));
  return node;
}

function resolve(schema) {
  let s = schema || {};
  while (s.$ref) s = spec.components.schemas[s.$ref.split("/").pop()];
  return s;
}

function typeName(schema) {
  const s = resolve(schema);
  const one = Array.isArray(s.type) ? s.type.find((t) => t !== "null") : s.type;
  if (one === "array") return typeName(s.items) + "[]";
  return (one || pick("任意", "any")) + (s.format ? " · " + s.format : "");
}

function limits(schema) {
  const s = resolve(schema);
  const out = [];
  if (s.enum) out.push(s.enum.join(" | "));
  if (s.minimum !== undefined) out.push("≥ " + s.minimum);
  if (s.maximum !== undefined) out.push("≤ " + s.maximum);
  if (s.minLength || s.maxLength !== undefined) out.push(pick("长度 ", "length ") + (s.minLength || 0) + "–" + (s.maxLength ?? "∞"));
  if (s.minItems || s.maxItems !== undefined) out.push(pick("项数 ", "items ") + (s.minItems || 0) + "–" + (s.maxItems ?? "∞"));
  if (s.pattern && s.format !== "id") out.push(s.pattern);
  if (s.default !== undefined) out.push(pick("默认 ", "default ") + s.default);
  return out.join(", ");
}

const deepest = 6;

// fields lists the fields of a schema, nested ones by their path.
function fields(schema, path = "", depth = 0) {
  const s = resolve(schema);
  if (s.items) return fields(s.items, path + "[]", depth);
  if (!s.properties || depth > deepest) return [];
  const must = (name) => (s.required || []).includes(name);
  return Object.entries(s.properties).sort(([a], [b]) => must(b) - must(a)).flatMap(([name, sub]) => {
    const here = path ? path + "." + name : name;
    const required = must(name);
    return [{ name: here, schema: sub, required, note: sub.description }, ...fields(sub, here, depth + 1)];
  });
}

function sample(schema, depth = 0) {
  const s = resolve(schema);
  if (s.examples) return s.examples[0];
  if (s.default !== undefined) return s.default;
  if (s.enum) return s.enum[0];
  if (s.items) return depth > deepest ? [] : [sample(s.items, depth + 1)];
  if (s.properties) {
    const wanted = Object.entries(s.properties).filter(([name]) => (s.required || []).includes(name));
    return Object.fromEntries(wanted.map(([name, sub]) => [name, depth > deepest ? null : sample(sub, depth + 1)]));
  }
  return { integer: s.minimum ?? 1, number: 1, boolean: true, string: "…" }[s.type] ?? {};
}

function table(heads, rows) {
  return el("div.scroll", {}, el("table", {}, el("thead", {}, el("tr", {}, heads.map((h) => el("th", {}, say(h))))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((c) => el("td", {}, c)))))));
}

function fieldTable(rows) {
  if (!rows.length) return el("p.quiet", {}, say("empty"));
  return table(["name", "type", "note"], rows.map((f) => [
    [el("code", {}, f.name), f.required ? el("span.must", { title: say("required"), "aria-label": say("required") }, "*") : "", f.place ? el("small", {}, f.place) : ""],
    [el("span.type", {}, typeName(f.schema)), el("small", {}, limits(f.schema))],
    both(f.note || resolve(f.schema).description),
  ]));
}

function section(heading, ...content) {
  return [el("h4", {}, heading), ...content];
}

function curl(op) {
  const quote = (s) => "'" + s.replaceAll("'", "'\\''") + "'";
  let path = op.path;
  const query = [];
  const lines = [];
  for (const p of op.parameters || []) {
    const value = String(sample(p.schema));
    if (p.in === "path") path = path.replace("{" + p.name + "}", encodeURIComponent(value));
    if (p.in === "query" && p.required) query.push(p.name + "=" + encodeURIComponent(value));
    if (p.in === "header") lines.push("-H " + quote(p.name + ": " + (p.name === "Idempotency-Key" ? "pos7-20260131-0042" : value)));
  }
  const door = (spec["x-doors"] || []).find((d) => d.name === op["x-door"]);
  if (op.security && door) lines.push(door.scheme ? "-H " + quote("Authorization: " + door.scheme + " …") : "-b " + quote("__Host-gx=…"));
  const [media, content] = Object.entries(op.requestBody?.content || {})[0] || [];
  if (media) {
    lines.push("-H " + quote("Content-Type: " + media));
    lines.push(media === "application/json" ? "-d " + quote(JSON.stringify(sample(content.schema))) : "--data-binary @file");
  }
  const target = quote(location.origin + path + (query.length ? "?" + query.join("&") : ""));
  return ["curl -X " + op.method.toUpperCase() + " " + target, ...lines].join(" \\\n  ");
}

function copyButton(text) {
  return el("button.copy", { type: "button", async onclick(event) {
    const button = event.currentTarget;
    await navigator.clipboard.writeText(text);
    button.textContent = say("copied");
    setTimeout(() => { button.textContent = say("copy"); }, 1500);
  } }, say("copy"));
}

function block(text) { return el("div.block", {}, copyButton(text), el("pre", {}, el("code", {}, text))); }

function problemTable(codes) {
  const known = new Map((spec["x-problems"] || []).map((p) => [p.code, p]));
  return table(["status", "code", "note"], codes.map((c) => known.get(c)).filter(Boolean).sort((a, b) => a.status - b.status)
    .map((p) => [String(p.status), el("a", { href: "#" + p.code }, el("code", {}, p.code)), pick(p.zh, p.en)]));
}

function drawOperation(op) {
  const success = Object.entries(op.responses).find(([status]) => status.startsWith("2"));
  const replySchema = Object.values(success?.[1].content || {})[0]?.schema;
  const params = (op.parameters || []).map((p) => ({ name: p.name, schema: p.schema, required: p.required, note: p.description, place: p.in }));
  const [media, content] = Object.entries(op.requestBody?.content || {})[0] || [];
  const perm = op["x-perm"] === "" ? say("open") : op["x-perm"] === "any" ? say("any") : op["x-perm"];
  return el("article", { id: "op-" + op.operationId, "data-text": (op.operationId + op.path + op.summary + op["x-zh"]).toLowerCase() },
    el("h3", {}, el("a", { href: "#op-" + op.operationId }, pick(op["x-zh"], op.summary))),
    el("p.route", {}, el("span.method." + op.method, {}, op.method.toUpperCase()), el("code", {}, op.path)),
    el("p.quiet", {}, say("perm") + pick("：", ": "), el("code", {}, perm)),
    params.length ? section(say("params"), fieldTable(params)) : "",
    media ? section(say("body"), el("p.quiet", {}, media), content.schema ? fieldTable(fields(content.schema)) : "") : "",
    section(say("reply") + " " + (success?.[0] || ""), replySchema ? fieldTable(fields(replySchema)) : el("p.quiet", {}, say("empty"))),
    section(say("example"), block(curl(op)), replySchema ? block(JSON.stringify(sample(replySchema), null, 2)) : ""),
    section(say("problems"), problemTable(op["x-problems"] || [])));
}

// operations lists all operations, by door and then by tag, in the order of the paths.
function operations() {
  const all = Object.entries(spec.paths || {}).flatMap(([path, item]) =>
    Object.entries(item).filter(([, op]) => op.operationId).map(([method, op]) => ({ ...op, method, path })));
  return (spec["x-doors"] || []).map((door) => {
    const mine = all.filter((op) => op["x-door"] === door.name);
    const tags = [...new Set(mine.map((op) => op.tags?.[0] || ""))];
    return { door, tags: tags.map((tag) => ({ tag, ops: mine.filter((op) => (op.tags?.[0] || "") === tag) })) };
  }).filter((group) => group.tags.length);
}

function tagName(tag) {
  return both((spec.tags || []).find((t) => t.name === tag)?.description) || tag;
}

function navLink(op) {
  return el("a", { href: "#op-" + op.operationId, "data-text": (op.operationId + op.path + op.summary + op["x-zh"]).toLowerCase() },
    el("span.method." + op.method, {}, op.method.toUpperCase()), pick(op["x-zh"], op.summary));
}

function drawCodes() {
  const rows = (spec["x-problems"] || []).map((p) => el("tr", { id: p.code, "data-text": (p.code + p.zh + p.en).toLowerCase() },
    el("td", {}, String(p.status)), el("td", {}, el("code", {}, p.code)), el("td", {}, pick(p.zh, p.en))));
  return el("section", { id: "codes" }, el("h2", {}, say("allCodes")), el("p", {}, say("codesNote")),
    el("div.scroll", {}, el("table", {}, el("thead", {}, el("tr", {}, ["status", "code", "note"].map((h) => el("th", {}, say(h))))), el("tbody", {}, rows))));
}

function draw() {
  document.documentElement.lang = lang;
  document.title = spec.info.title + " API";
  byId("title").textContent = spec.info.title;
  byId("version").textContent = spec.info.version;
  byId("lang").textContent = say("other");
  byId("filter").placeholder = say("filter");
  byId("filter").setAttribute("aria-label", say("filter"));
  const groups = operations();
  byId("nav").replaceChildren(...groups.flatMap(({ door, tags }) => [
    el("h2", {}, el("a", { href: "#door-" + door.name }, pick(door.zh, door.en))),
    ...tags.flatMap(({ tag, ops }) => [tag ? el("h3", {}, tagName(tag)) : "", ...ops.map(navLink)]),
  ]).filter(Boolean), el("h2", {}, el("a", { href: "#codes" }, say("allCodes"))),
  el("p", {}, el("a", { href: "/docs/api/openapi.yaml" }, "openapi.yaml"), " · ", el("a", { href: "/docs/api/openapi.json" }, "openapi.json")));
  byId("main").replaceChildren(...groups.map(({ door, tags }) =>
    el("section", { id: "door-" + door.name }, el("h2", {}, pick(door.zh, door.en), el("code.prefix", {}, door.prefix)),
      tags.flatMap(({ ops }) => ops.map(drawOperation)))), drawCodes());
  filter();
}

function filter() {
  const wanted = byId("filter").value.trim().toLowerCase();
  for (const node of document.querySelectorAll("[data-text]")) node.hidden = !node.dataset.text.includes(wanted);
}

function jump() {
  const target = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
  if (target) location.replace(location.hash); // now that it is there: scrolls and marks it
}

function toggleMenu(open) {
  document.body.classList.toggle("menu", open);
  byId("menu").setAttribute("aria-expanded", String(document.body.classList.contains("menu")));
}

async function start() {
  byId("menu").addEventListener("click", () => toggleMenu());
  byId("nav").addEventListener("click", (e) => { if (e.target.closest("a")) toggleMenu(false); });
  byId("filter").addEventListener("input", filter);
  byId("lang").addEventListener("click", () => {
    lang = lang === "en" ? "zh" : "en";
    try { localStorage.setItem("docs.lang", lang); } catch { /* private windows keep nothing */ }
    draw();
  });
  try {
    spec = await (await fetch("/docs/api/openapi.json")).json();
  } catch {
    byId("main").replaceChildren(el("p", {}, say("failed")));
    return;
  }
  draw();
  jump();
}

start();
