// The frame around all pages: who is signed in, where we are, which language and theme.
import { del, get } from "./api.js";
import { h, icon, show } from "./dom.js";
import { setZone } from "./format.js";
import { member } from "./member.js";
import { members } from "./members.js";
import { overview } from "./overview.js";
import { rules } from "./rules.js";
import { gate } from "./gate.js";
import { lang, setLang, t } from "./words.js";

const root = document.getElementById("root");
const state = { me: null, leave: null };

const places = [
  { at: "#/", name: "overview", icon: "home", page: overview },
  { at: "#/members", name: "members", icon: "people", page: members },
  { at: "#/rules", name: "rules", icon: "rules", page: rules },
];

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => localStorage.getItem("theme") || (dark.matches ? "dark" : "light");
const dress = () => { document.documentElement.dataset.theme = theme(); };

function tools() {
  return [
    h("button", { class: "icon", type: "button", title: t("theme"), "aria-label": t("theme"), on: { click: () => { localStorage.setItem("theme", theme() === "dark" ? "light" : "dark"); dress(); render(); } } }, icon(theme() === "dark" ? "sun" : "moon")),
    h("button", { class: "icon", type: "button", title: "中文 / English", "aria-label": "中文 / English", on: { click: () => { setLang(lang() === "en" ? "zh" : "en", true); render(); } } }, t("language")),
  ];
}

const brand = () => h("a", { class: "brand", href: "#/" }, h("img", { src: "/icon.svg", alt: "" }), h("span", {}, "关系 Guanxi", h("small", {}, t("tagline"))));

async function signOut() {
  try { await del("/session"); } finally { state.me = null; render(); }
}

const leaveButton = () => h("button", { class: "icon", type: "button", title: t("signOut"), "aria-label": t("signOut"), on: { click: signOut } }, icon("out"));

function frame(here, page) {
  const links = () => places.map((p) => h("a", { class: "nav", href: p.at, "aria-current": p === here ? "page" : null }, icon(p.icon), t(p.name)));
  return h("div", { class: "frame" },
    h("aside", { class: "rail" }, brand(), h("nav", {}, links()),
      h("div", { class: "foot" },
        h("a", { class: "nav", href: "/docs/api", target: "_blank", rel: "noopener" }, icon("book"), t("apiDocs")),
        state.me.permissions.includes("view.jobs") && h("a", { class: "nav", href: "/metrics", target: "_blank", rel: "noopener" }, icon("pulse"), t("metrics")),
        h("div", { class: "me" }, h("span", { class: "face" }, [...state.me.name][0]), h("span", { class: "who" }, h("b", {}, state.me.name), h("span", { class: "tools" }, tools())), leaveButton()))),
    h("div", {},
      h("div", { class: "topbar" }, brand(), tools(), leaveButton()),
      page),
    h("nav", { class: "tabs" }, links(), h("a", { class: "nav", href: "/docs/api", target: "_blank", rel: "noopener" }, icon("book"), "API")));
}

// A page gives what fills it, now and again; what it starts it stops when it is left.
function render() {
  state.leave?.();
  state.leave = null;
  document.title = "关系 Guanxi";
  if (!state.me) {
    show(root, gate({ tools, signedIn: enter }));
    return;
  }
  const one = location.hash.match(/^#\/members\/([1-9]\d*)$/);
  const here = one ? places[1] : places.find((p) => p.at === location.hash) || places[0];
  const main = h("main", { class: "page" }, h("p", { class: "empty" }, t("loading")));
  show(root, frame(here, main));
  scrollTo(0, 0);
  const page = one ? (box) => member(box, one[1]) : here.page;
  state.leave = page(main, { me: state.me, failed: (e) => failed(main, e) }) || null;
}

function failed(main, e) {
  if (e.status === 401) {
    state.me = null;
    render();
    return;
  }
  show(main, h("div", { class: "card empty" }, h("p", {}, e.message || t("failed")), h("p", {}, h("button", { class: "more", type: "button", on: { click: render } }, t("retry")))));
}

async function enter() {
  try {
    state.me = await get("/session");
    setZone((await get("/status")).zone);
  } catch (e) {
    state.me = null;
    if (e.status !== 401) console.error(e);
  }
  render();
}

addEventListener("unhandledrejection", (e) => {
  const main = document.querySelector(".page");
  if (main && e.reason?.status) { e.preventDefault(); failed(main, e.reason); }
});
addEventListener("hashchange", render);
dark.addEventListener("change", () => { dress(); render(); });
setLang(lang());
dress();
enter();
