// Small charts without a library: drawn to the width they get, read by hovering or touching.
import { h, svg, show } from "./dom.js";

function draw(height, paint) {
  const box = h("div", { class: "chart", vars: { "--h": height + "px" } });
  let width = 0;
  new ResizeObserver(() => {
    const w = Math.round(box.clientWidth);
    if (w === width || w === 0) return;
    width = w;
    show(box, svg("svg", { viewBox: `0 0 ${w} ${height}`, role: "img" }, paint(w, height)));
  }).observe(box);
  return box;
}

const round = (n) => Math.round(n * 10) / 10;

// bar is a rectangle with its outer end rounded, growing up from y or, with a negative size, down.
function bar(x, y, w, size, cls) {
  const s = Math.abs(size);
  const r = Math.min(3, w / 2, s);
  const down = size < 0;
  const end = down ? y + s : y - s;
  const turn = down ? -r : r;
  return svg("path", { class: cls, d: `M${round(x)} ${round(y)}V${round(end + turn)}q0 ${round(-turn)} ${r} ${round(-turn)}h${round(w - 2 * r)}q${r} 0 ${r} ${round(turn)}V${round(y)}z` });
}

function labels(rows, x, y, name) {
  const every = Math.ceil(rows.length / Math.max(2, Math.floor(x(rows.length) / 76)));
  const inside = (at) => Math.max(26, Math.min(x(rows.length) - 26, at)); // the outer ones stay in the card
  return rows.map((r, i) => (i % every === 0 ? svg("text", { x: round(inside((x(i) + x(i + 1)) / 2)), y, "text-anchor": "middle" }, name(r)) : null));
}

// bars draws rows with parts above the line (up) and below it (down, a list of classes and values).
export function bars(rows, { height = 200, up, down = () => [], name, read, reading }) {
  return draw(height, (w, hgt) => {
    const foot = 22;
    const most = Math.max(1, ...rows.map(up));
    const least = Math.max(0, ...rows.map((r) => down(r).reduce((s, p) => s + p.n, 0)));
    const scale = (hgt - foot - 8) / (most + least);
    const zero = 4 + most * scale;
    const x = (i) => (w / rows.length) * i;
    const wide = Math.min(26, (w / rows.length) * 0.62);
    return [
      ...rows.map((r, i) => {
        const left = (x(i) + x(i + 1)) / 2 - wide / 2;
        const g = svg("g", { class: "bar" }, svg("rect", { class: "hit", x: round(x(i)), y: 0, width: round(w / rows.length), height: hgt - foot, rx: 4 }));
        if (up(r) > 0) g.append(bar(left, zero - 1, wide, Math.max(2, up(r) * scale), "up"));
        let y = zero + 1;
        for (const p of down(r)) {
          if (p.n <= 0) continue;
          const size = Math.max(2, p.n * scale);
          g.append(bar(left, y, wide, -size, p.cls));
          y += size + 1;
        }
        for (const event of ["pointerenter", "pointerdown"]) g.addEventListener(event, () => show(reading, read(r)));
        return g;
      }),
      svg("line", { class: "axis", x1: 0, x2: w, y1: round(zero), y2: round(zero) }),
      ...labels(rows, x, hgt - 5, name),
    ];
  });
}

// curve draws one value over rows.
export function curve(rows, { height = 200, value, name, read, reading }) {
  return draw(height, (w, hgt) => {
    const foot = 22;
    const most = Math.max(1, ...rows.map(value));
    const x = (i) => (w / rows.length) * i;
    const mid = (i) => (x(i) + x(i + 1)) / 2;
    const y = (r) => hgt - foot - (value(r) / most) * (hgt - foot - 10);
    const line = rows.map((r, i) => `${i ? "L" : "M"}${round(mid(i))} ${round(y(r))}`).join("");
    return [
      svg("line", { class: "axis", x1: 0, x2: w, y1: hgt - foot, y2: hgt - foot }),
      svg("path", { class: "area", d: `${line}L${round(mid(rows.length - 1))} ${hgt - foot}L${round(mid(0))} ${hgt - foot}z` }),
      svg("path", { class: "curve", d: line }),
      ...rows.map((r, i) => {
        const hit = svg("rect", { class: "hit", x: round(x(i)), y: 0, width: round(w / rows.length), height: hgt - foot });
        for (const event of ["pointerenter", "pointerdown"]) hit.addEventListener(event, () => show(reading, read(r)));
        return hit;
      }),
      ...labels(rows, x, hgt - 5, name),
    ];
  });
}
