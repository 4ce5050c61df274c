// Elements are made, never parsed from text: what comes from the server can't become markup.

export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [k, v] of Object.entries(props || {})) {
    if (v === undefined || v === null || v === false) continue;
    if (k === "on") for (const [event, f] of Object.entries(v)) el.addEventListener(event, f);
    else if (k === "vars") for (const [name, value] of Object.entries(v)) el.style.setProperty(name, value);
    else el.setAttribute(k, v === true ? "" : v);
  }
  add(el, children);
  return el;
}

function add(el, children) {
  for (const c of children.flat(3)) if (c !== undefined && c !== null && c !== false) el.append(c);
}

export function svg(tag, attrs, ...children) {
  const el = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(attrs || {})) el.setAttribute(k, v);
  add(el, children);
  return el;
}

const paths = {
  home: "M3 10.5 10 4l7 6.5V17H3z M8 17v-4.5h4V17",
  people: "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2 17c0-3 2.5-5 5.5-5s5.5 2 5.5 5M13 3.8a3 3 0 0 1 0 5.4M15 12.4c1.9.7 3 2.3 3 4.6",
  rules: "M4 5h12M4 10h12M4 15h12M7.5 3.4v3.2M13 8.4v3.2M9 13.4v3.2",
  book: "M4 4.5C6 3.4 8 3.4 10 4.6c2-1.2 4-1.2 6-.1V16c-2-1-4-1-6 .2-2-1.2-4-1.2-6-.2zM10 4.6v11.6",
  pulse: "M2.5 10.5h3.2L8 5l4 10 2-4.5h3.5",
  sun: "M10 6.8a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4zM10 2v1.8M10 16.2V18M2 10h1.8M16.2 10H18M4.3 4.3l1.3 1.3M14.4 14.4l1.3 1.3M15.7 4.3l-1.3 1.3M5.6 14.4l-1.3 1.3",
  moon: "M16 12.2A6.8 6.8 0 0 1 7.8 4a6.8 6.8 0 1 0 8.2 8.2z",
  out: "M8 4H4.5v12H8M12.5 13.5 16 10l-3.5-3.5M16 10H8",
  back: "M12 5l-5 5 5 5",
};

export function icon(name) {
  return svg("svg", { viewBox: "0 0 20 20", fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" },
    svg("path", { d: paths[name] }));
}

export function show(el, ...children) {
  el.replaceChildren();
  add(el, children);
  return el;
}
