// Bars drawn as SVG: a share beside its number, and the chances over the six horizons.
// Each carries its values as text for those who do not see it.

import { svg } from "./dom.js";
import { HORIZONS_H, percent } from "./words.js";

// One share of a whole, as a line under or beside its number.
export function share(value, tone = "", mark = null) {
  const width = value == null ? 0 : Math.max(0, Math.min(1, value)) * 100;
  return svg(
    "svg",
    { viewBox: "0 0 100 6", class: `share ${tone}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "rail", width: 100, height: 6 }),
    svg("rect", { class: "fill", width, height: 6 }),
    mark !== null && svg("rect", { class: "mark", x: mark * 100 - 0.5, width: 1, height: 6 }),
  );
}

const WIDTH = 54;
const TOP = 18;
const HIGH = 84;

export function horizons(chances, tone = "") {
  const said = HORIZONS_H.map((within, at) => `${percent(chances[at])} within ${within} h`).join(", ");
  const most = Math.max(0.1, ...chances);
  const bars = chances.flatMap((chance, at) => bar(chance / most, at, percent(chance), HORIZONS_H[at]));
  return svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH * chances.length} ${TOP + HIGH + 20}`,
      class: `horizons ${tone}`,
      role: "img",
      "aria-label": `Chance of failure: ${said}`,
    },
    svg("line", { x1: 0, x2: WIDTH * chances.length, y1: TOP + HIGH, y2: TOP + HIGH, class: "axis" }),
    bars,
  );
}

function bar(part, at, value, within) {
  const x = at * WIDTH;
  const height = Math.max(1, part * HIGH);
  const of = within === 72 ? "bar is-72" : "bar";
  return [
    svg("rect", { class: of, x: x + 9, width: WIDTH - 18, y: TOP + HIGH - height, height }),
    svg("text", { x: x + WIDTH / 2, y: TOP + HIGH - height - 4, class: "value" }, value),
    svg("text", { x: x + WIDTH / 2, y: TOP + HIGH + 15, class: "within" }, `${within} h`),
  ];
}
