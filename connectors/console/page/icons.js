// Small signs beside words, drawn as SVG so that they look alike on every machine; a word always says the same.
// Shapes differ, not only colours: what is abnormal is seen without colour, too.

import { svg } from "./dom.js";

const PATHS = {
  act: "M8 1.5 15 14H1z",
  plan: "M8 1 15 8 8 15 1 8z",
  watch: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zm0 1.8a3.7 3.7 0 1 0 0 7.4 3.7 3.7 0 0 0 0-7.4z",
  held: "M4 2h3v12H4zM9 2h3v12H9z",
  running: "M4 2.5 13.5 8 4 13.5z",
  idle: "M4 3h3v10H4zM9 3h3v10H9z",
  off: "M3 3h10v10H3zM5 5v6h6V5z",
  starting: "M8 2 14 9H10v5H6V9H2z",
  stopping: "M8 14 2 7h4V2h4v5h4z",
  maintenance: "M13.5 4.5a4 4 0 0 1-5.3 3.8L4 12.6 2.4 11l4.3-4.2A4 4 0 0 1 11.5 2L9.3 4.2l1.5 1.5z",
  unknown: "M5 6a3 3 0 1 1 4 2.8V10H7V7.6h1A1.3 1.3 0 1 0 6.7 6zM7 11.5h2v2H7z",
  ok: "M6.3 12.8 2 8.5l1.5-1.5 2.8 2.8L12.5 3.6 14 5.1z",
  live: "M8 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8z",
  waiting: "M8 2a6 6 0 1 0 6 6h-2a4 4 0 1 1-4-4z",
  cut: "M3.4 2 8 6.6 12.6 2 14 3.4 9.4 8 14 12.6 12.6 14 8 9.4 3.4 14 2 12.6 6.6 8 2 3.4z",
};

export function icon(name, tone = "") {
  const shape = svg("path", { d: PATHS[name] ?? PATHS.unknown, "fill-rule": "evenodd" });
  return svg("svg", { viewBox: "0 0 16 16", class: `icon ${tone}`, "aria-hidden": "true", focusable: "false" }, shape);
}
