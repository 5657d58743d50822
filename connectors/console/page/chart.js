// Lines over time with uPlot, which is fetched only once a chart is drawn. A mean line lies in its band from low to
// high, gaps stay gaps, what holds until it is told anew is drawn in steps; the numbers under the pointer stand above.

import { h } from "./dom.js";
import { clock, number } from "./words.js";

const VENDOR = "/page/vendor";
const GAP = 3; // so many times the usual distance of a signal's values
let library = null;

function uPlot() {
  library ??= new Promise((done, wrong) => {
    document.head.append(h("link", { rel: "stylesheet", href: `${VENDOR}/uPlot.min.css` }));
    document.head.append(
      h("script", {
        src: `${VENDOR}/uPlot.iife.min.js`,
        onload: () => done(window.uPlot),
        onerror: () => {
          library = null;
          wrong(new Error("The chart library could not be loaded."));
        },
      }),
    );
  });
  return library;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const PLAIN = { limits: [], format: number, least: null, most: null, isHeld: false };

// `told.lines` is {time_us, mean, low, high, step_us, within_us}, `told.limits` are [{level, says}].
// Returns the chart's place at once; the lines come when the library is there.
export function chart(page, told) {
  const one = { ...PLAIN, ...told, read: h("span", { class: "chart-read" }) };
  const { title, unit, lines, read } = one;
  const isEmpty = !lines.mean.some((value) => value !== null);
  const place = isEmpty
    ? h("p", { class: "empty" }, "No values in this time.")
    : h("div", { class: "chart-place", role: "img", "aria-label": summary(one) });
  one.latest = () => {
    read.textContent = lastSaid(one);
  };
  one.latest();
  if (!isEmpty) {
    drawn(page, place, one).catch((error) => {
      read.textContent = error.message;
    });
  }
  return h("div", { class: "chart" },
    h("div", { class: "chart-head" }, h("h3", {}, title, unit && h("span", { class: "dim" }, ` ${unit}`)), read),
    place,
    one.limits.map(({ level, says }) => h("p", { class: "dim" }, `Limit ${withUnit(number(level), unit)}: ${says}`)),
  );
}

const withUnit = (words, unit) => (unit ? `${words} ${unit}` : words);

function summary({ title, unit, lines, format }) {
  const known = lines.mean.filter((value) => value !== null);
  const [last, low, high] = [known.at(-1), Math.min(...known), Math.max(...known)].map(format);
  return `${title}: last ${withUnit(last, unit)}, between ${low} and ${high}`;
}

function lastSaid({ lines, unit, format }) {
  const at = lines.mean.findLastIndex((value) => value !== null);
  return at < 0 ? "" : `last ${withUnit(format(lines.mean[at]), unit)}, ${clock(lines.time_us[at])}`;
}

// Signals come at their own pace: what is far over a signal's own is a gap, where an empty value stands, so that no
// line crosses what was not measured.
function gapped({ time_us: times, mean, low, high, step_us: step }) {
  const own = times.map((_, at) => at).filter((at) => isThere(mean[at]));
  const usual = median(own.slice(1).map((at, before) => times[at] - times[own[before]]));
  const gap = Math.max(usual * GAP, (step ?? 0) * 1.9);
  const { columns, put } = columned();
  own.forEach((at, nth) => {
    const before = times[own[nth - 1]];
    if (nth && times[at] - before > gap) put((before + times[at]) / 2, null, null, null);
    put(times[at], mean[at], low?.[at], high?.[at]);
  });
  return columns;
}

// What is told when it changes holds until the next value, and the last until the machine was last heard of.
function heldOn({ time_us: times, mean }) {
  const { columns, put } = columned();
  times.forEach((time, at) => isThere(mean[at]) && put(time, mean[at], null, null));
  if (!isThere(mean.at(-1))) put(times.at(-1), columns[1].at(-1), null, null);
  return columns;
}

function columned() {
  const columns = [[], [], [], []];
  const put = (time, ...values) => [time / 1e6, ...values].forEach((value, at) => columns[at].push(value ?? null));
  return { columns, put };
}

const isThere = (value) => value != null;

// Values that no line leads to or from are drawn as points.
const alone = (values) =>
  values.flatMap((value, at) => (isThere(value) && !isThere(values[at - 1]) && !isThere(values[at + 1]) ? [at] : []));

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function drawn(page, place, one) {
  const Plot = await uPlot();
  if (page.signal.aborted) return;
  const columns = one.isHeld ? heldOn(one.lines) : gapped(one.lines);
  let plot = null;
  const draw = () => {
    if (!place.isConnected) return;
    plot?.destroy();
    plot = new Plot(options(place, one, Plot.paths), columns, place);
  };
  const sized = new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: place.clientHeight }));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  // The place is put on the page by whoever asked for it, a moment later.
  requestAnimationFrame(() => {
    draw();
    sized.observe(place);
  });
  dark.addEventListener("change", draw);
  page.onEnd(() => {
    sized.disconnect();
    dark.removeEventListener("change", draw);
    plot?.destroy();
  });
}

const axis = () => ({
  stroke: colour("dim"),
  grid: { stroke: colour("soft"), width: 1 },
  ticks: { stroke: colour("soft"), size: 4 },
  font: "11px system-ui, sans-serif",
});

function options(place, one, paths) {
  const within = one.lines.within_us?.map((us) => us / 1e6);
  const points = { show: false, size: 5, fill: colour("ink"), filter: (plot, at) => alone(plot.data[at]) };
  const seen = { stroke: colour("ink"), width: 1.3, spanGaps: false, points };
  if (one.isHeld) seen.paths = paths.stepped({ align: 1 });
  const unseen = { stroke: "transparent", width: 0, spanGaps: false, points: { show: false } };
  return {
    width: place.clientWidth,
    height: place.clientHeight,
    padding: [8, 6, 0, 0],
    cursor: { sync: { key: "forewarn" }, drag: { x: false, y: false }, points: { size: 6 } },
    legend: { show: false },
    scales: { x: within ? { range: () => within } : {}, y: { range: (_, low, high) => ranged(low, high, one) } },
    axes: [
      { ...axis(), values: days, space: 60, size: 28 },
      { ...axis(), size: 46, space: 26, values: (_, ticks) => ticks.map((tick) => one.format(tick)) },
    ],
    series: [{}, seen, unseen, unseen],
    bands: [{ series: [3, 2], fill: colour("band") }],
    hooks: { draw: [(plot) => limited(plot, one.limits)], setCursor: [(plot) => pointed(plot, one)] },
  };
}

// uPlot's own dates are American; these are the reader's.
function days(_, ticks, __, ___, step) {
  const of = step >= 86400 ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" };
  return ticks.map((tick) => {
    const date = new Date(tick * 1000);
    const isDay = step < 86400 && date.getHours() === 0 && date.getMinutes() === 0;
    return date.toLocaleString(undefined, isDay ? { day: "numeric", month: "short" } : of);
  });
}

// A limit near the data is in sight; one far off would press the data flat, and stands below in words.
function ranged(low, high, { limits, least, most }) {
  const span = high - low || Math.abs(high) * 0.1 || 1;
  const near = limits.map((limit) => limit.level).filter((level) => level > low - span && level < high + span);
  const from = Math.min(low, ...near) - span * 0.06;
  const to = Math.max(high, ...near) + span * 0.06;
  return [least ?? from, most === null ? to : Math.min(most, to)];
}

function limited(plot, limits) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour("limit");
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const { level } of limits) {
    const y = plot.valToPos(level, "y", true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

function pointed(plot, { read, latest, unit, format }) {
  const at = plot.cursor.idx;
  const value = at == null ? null : plot.data[1][at];
  if (value == null) return latest();
  const [low, high] = [plot.data[2][at], plot.data[3][at]];
  const band = low === null || high === null || low === undefined ? "" : ` (${format(low)} to ${format(high)})`;
  read.textContent = `${withUnit(`${format(value)}${band}`, unit)}, ${clock(plot.data[0][at] * 1e6)}`;
  return undefined;
}
