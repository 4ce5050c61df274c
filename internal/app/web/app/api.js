// Everything is asked through here: the session is the browser's cookie, and each write has a key of its own.
import { lang } from "./words.js";

export class Problem extends Error {
  constructor(status, body) {
    const fields = (body.errors || []).map((e) => e.message).filter((m) => m !== body.title);
    super([body.title, ...fields].filter(Boolean).join(lang() === "en" ? ": " : "："));
    this.status = status;
    this.code = body.code;
  }
}

function key() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

async function ask(method, path, body) {
  const headers = { "Accept-Language": lang() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["Idempotency-Key"] = key();
  const answer = await fetch("/api/console" + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
  const text = await answer.text();
  let data = {};
  try { data = text ? JSON.parse(text) : {}; } catch { data = { title: text }; }
  if (!answer.ok) throw new Problem(answer.status, data);
  return data;
}

export const get = (path) => ask("GET", path);
export const post = (path, body) => ask("POST", path, body);
export const del = (path) => ask("DELETE", path);

// may gives null where the operator has no permission, so that a page shows what it can.
export async function may(path) {
  try {
    return await get(path);
  } catch (e) {
    if (e.status === 403) return null;
    throw e;
  }
}
