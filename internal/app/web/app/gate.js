// Signing in, and the first start: the set-up token comes behind the "#", which no server sees, and is taken out of the address at once.
import { get, post } from "./api.js";
import { h, show } from "./dom.js";
import { t } from "./words.js";

let token = "";

function takeToken() {
  const found = location.hash.match(/^#setup=([\w-]+)$/);
  if (!found) return;
  token = found[1];
  history.replaceState(null, "", location.pathname);
}

const field = (name, props, hint) => h("label", { class: "field" }, h("span", {}, t(name)), h("input", { required: true, ...props }), hint && h("small", {}, t(hint)));

function form(title, lead, action, fields, send) {
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const button = h("button", { class: "button", type: "submit" }, t(action));
  return h("form", { class: "card", on: { submit: async (e) => {
    e.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    try {
      await send(Object.fromEntries(new FormData(e.target)));
    } catch (err) {
      problem.hidden = false;
      show(problem, err.message);
      button.disabled = false;
    }
  } } }, h("div", {}, h("h1", {}, t(title)), h("p", { class: "soft small" }, t(lead))), fields, problem, button);
}

export function gate({ tools, signedIn }) {
  takeToken();
  const hint = h("span", {});
  const login = (v) => post("/session", { login: v.login, password: v.password }).then(signedIn);
  const fields = [field("login", { name: "login", autocomplete: "username", autocapitalize: "none", spellcheck: "false" }), field("password", { name: "password", type: "password", autocomplete: "current-password" })];
  const first = [
    field("name", { name: "name", autocomplete: "name", maxlength: 100 }), field("login", { name: "login", autocomplete: "username", autocapitalize: "none", spellcheck: "false", pattern: "[a-z0-9][a-z0-9._\\-]+", maxlength: 64 }, "loginHint"),
    field("newPassword", { name: "password", type: "password", autocomplete: "new-password", minlength: 12, maxlength: 128 }),
  ];
  const setUp = async (v) => { await post("/setup", { token, ...v }); token = ""; await login(v); };
  const box = token ? form("setup", "setupLead", "create", first, setUp) : form("signIn", "signInLead", "signIn", fields, login);
  get("/setup").then((s) => {
    if (s.needed && !token) show(hint, t("setupNeeded"));
    if (!s.needed && token) show(hint, t("setupDone"));
  }, () => {});
  return h("div", { class: "gate" }, h("div", { class: "box" },
    h("div", { class: "brand" }, h("img", { src: "/icon.svg", alt: "" }), h("span", {}, "关系 Guanxi", h("small", {}, t("tagline")))),
    box, h("div", { class: "note" }, hint, h("span", { class: "tools" }, tools()))));
}
