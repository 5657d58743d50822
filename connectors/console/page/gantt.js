// A plan as a picture: machines against time, with the price and the site's kW above in the same scale. Each bar can be
// reached by keys and says all it knows; states differ in shape and pattern, not in colour alone.

import { h, refill, svg } from "./dom.js";
import { icon } from "./icons.js";
import { bars, lanesOf, LATE, said, STATE_WORDS, TALL } from "./lanes.js";
import { wide } from "./parts.js";
import { nowUs } from "./store.js";
import { clock, number } from "./words.js";

const HOUR_US = 3600e6;
const QUARTER_US = HOUR_US / 4;
const LEAST_PX_PER_H = 10;
const [NAMES_PX, CARD_PX] = [118, 30]; // of the names, and what a card takes on both sides; as in plans.css
const [AXIS, CURVE, LANE] = [24, 62, 36]; // heights, as in plans.css
const LETTER_PX = 6.8;
const TICKS_H = [1, 2, 3, 6, 12, 24];

// `pick` is called with the bar that is pointed at. Returns the place.
export function gantt(page, plan, pick) {
  const box = wide("Plan by machine and time: scroll sideways for later hours");
  box.classList.add("gantt-box");
  let drawnAt = 0;
  const draw = (room) => {
    if (Math.abs(room - drawnAt) < 2) return;
    drawnAt = room;
    refill(box, drawn(plan, room, pick));
  };
  // At once, so that who walks the bars stays on his when a later plan comes; its true width is known a moment later.
  draw(page.body.clientWidth - CARD_PX);
  const sized = new ResizeObserver(() => draw(box.clientWidth));
  sized.observe(box);
  page.onEnd(() => sized.disconnect());
  return box;
}

function drawn(plan, room, pick) {
  const hours = (plan.end_us - plan.begin_us) / HOUR_US;
  const width = Math.max(room - NAMES_PX - 2, Math.round(hours * LEAST_PX_PER_H));
  const x = (us) => ((us - plan.begin_us) / (plan.end_us - plan.begin_us)) * width;
  const names = lanesOf(plan);
  const curves = curvesOf(plan);
  const top = AXIS + CURVE * curves.length;
  const high = top + LANE * names.length + 4;
  const all = bars(plan);
  const when = `${clock(plan.begin_us)} to ${clock(plan.end_us)}`;
  const label = `Plan of ${names.length} machines, ${when}. Arrow keys walk its bars`;
  const whole = svg(
    "svg",
    { width, height: high, viewBox: `0 0 ${width} ${high}`, class: "gantt", role: "group", "aria-label": label },
    patterns(),
    grid(plan, x, width, high),
    curves.map((curve, at) => curved(curve, x, plan, AXIS + at * CURVE)),
    names.map((name, at) =>
      svg("line", { class: "lane", x1: 0, x2: width, y1: top + at * LANE, y2: top + at * LANE }),
    ),
    names.map((name, at) => due(plan, name, x, top + at * LANE)),
    nowLine(plan, x, high),
    names.map((name, at) => laned(all, name, x, top + at * LANE, pick)),
  );
  whole.querySelector(".bar-of")?.setAttribute("tabindex", 0);
  whole.addEventListener("keydown", (event) => walked(event, whole));
  whole.addEventListener("focusin", ({ target }) => {
    for (const bar of whole.querySelectorAll('.bar-of[tabindex="0"]')) bar.setAttribute("tabindex", -1);
    target.setAttribute("tabindex", 0);
  });
  return h("div", { class: "gantt-parts" }, named(names, curves), whole);
}

const named = (names, curves) =>
  h("div", { class: "gantt-names", "aria-hidden": "true" },
    h("div", { class: "gantt-axis" }),
    curves.map(({ title, says }) => h("div", { class: "gantt-curve" }, title, h("small", {}, says))),
    names.map((name) => h("div", { class: "gantt-name", title: name }, name)),
  );

// The curves above the lanes: none where the caller may not see the plant's figures.
function curvesOf({ quarters, currency }) {
  const { price_per_kwh: price, kw, usual_kw: usual } = quarters;
  const found = [];
  const range = (values) => `${number(Math.min(...values))} to ${number(Math.max(...values))}`;
  if (price.length) found.push({ title: "Price", says: `${range(price)} ${currency}/kWh`, lines: [["price", price]] });
  if (kw.length)
    found.push({
      title: "Site, kW",
      says: `to ${number(Math.max(...kw))}, usual ${number(Math.max(...usual, 0))}`,
      lines: [["usual", usual], ["kw", kw]].filter(([, values]) => values.length),
    });
  return found;
}

function curved({ title, says, lines }, x, plan, top) {
  const values = lines.flatMap(([, of]) => of);
  const [low, high] = [Math.min(0, ...values), Math.max(...values, 1e-9)];
  const y = (value) => top + 6 + (1 - (value - low) / (high - low)) * (CURVE - 12);
  const path = (of) =>
    of
      .map((value, at) => {
        const to = x(Math.min(plan.end_us, plan.begin_us + (at + 1) * QUARTER_US)).toFixed(1);
        return `${at ? "V" : "M0 "}${y(value).toFixed(1)}H${to}`;
      })
      .join("");
  return svg("g", { role: "img", "aria-label": `${title}: ${says}` },
    svg("line", { class: "zero", x1: 0, x2: x(plan.end_us), y1: y(0), y2: y(0) }),
    lines.map(([name, of]) => svg("path", { class: `curve is-${name}`, d: path(of) })),
  );
}

function grid(plan, x, width, high) {
  const perHour = (x(plan.begin_us + HOUR_US) - x(plan.begin_us)) || 1;
  const step = TICKS_H.find((hours) => hours * perHour >= 58) ?? 24;
  const marks = [];
  const date = new Date(plan.begin_us / 1000);
  date.setMinutes(0, 0, 0);
  for (; date.getTime() * 1000 <= plan.end_us; date.setHours(date.getHours() + 1)) {
    const at = x(date.getTime() * 1000);
    if (date.getHours() % step || at < 0) continue;
    const isDay = date.getHours() === 0;
    const of = isDay ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" };
    marks.push(svg("line", { class: isDay ? "tick is-day" : "tick", x1: at, x2: at, y1: 16, y2: high }));
    const isRoom = at < width - 40;
    marks.push(isRoom && svg("text", { class: isDay ? "is-day" : null, x: at + 3, y: 13 },
      date.toLocaleString(undefined, of)));
  }
  return svg("g", { "aria-hidden": "true" }, marks);
}

function nowLine(plan, x, high) {
  const now = nowUs();
  if (now < plan.begin_us || now > plan.end_us) return null;
  const at = x(now);
  return svg("line", { class: "now", x1: at, x2: at, y1: 16, y2: high });
}

// When orders of a lane are due: a small flag, and a sign of its own where its last step ends later.
function due(plan, name, x, top) {
  const isSeen = (job) => job.asset === name && job.due_us >= plan.begin_us && job.due_us <= plan.end_us;
  return plan.jobs.filter(isSeen).map((job) => {
    const at = x(job.due_us);
    const isLate = job.end_us > job.due_us;
    return svg("g", { class: isLate ? "due is-late" : "due", "aria-hidden": "true" },
      svg("title", {}, `${job.order} is due ${clock(job.due_us)}`),
      svg("path", { d: `M${at} ${top + 1}v${LANE - 2}M${at} ${top + 1}l7 3.5l-7 3.5` }),
    );
  });
}

function laned(all, name, x, top, pick) {
  return all
    .filter((bar) => bar.asset === name)
    .map((bar) => {
      const [from, to] = [x(bar.begin_us), x(bar.end_us)];
      const size = Math.max(1.5, to - from - 1);
      const tall = TALL[bar.state];
      const words = said(bar);
      const label = lettered(bar, size);
      return svg(
        "g",
        {
          class: `bar-of is-${bar.state}${bar.late > 0 ? " is-late" : ""}`,
          ...{ role: "button", tabindex: -1, "aria-label": words, "data-key": bar.key, "data-mid": (from + to) / 2 },
          ...{ "data-lane": name, onfocus: () => pick(bar), onclick: () => pick(bar) },
        },
        svg("title", {}, words),
        svg("rect", { class: "hit", x: from, y: top + 2, width: size, height: LANE - 4 }),
        svg("rect", { class: "box", x: from + 0.5, y: top + (LANE - tall) / 2, width: size, height: tall, rx: 2 }),
        label ? svg("text", { x: from + 5, y: top + LANE / 2 + 4 }, label) : signed(bar, from, size, top),
      );
    });
}

// Maintenance that is too short for its word has its sign.
function signed({ state }, from, size, top) {
  if (state !== "maintenance" || size < 15) return null;
  const sign = icon("maintenance");
  const at = { x: from + size / 2 - 6, y: top + LANE / 2 - 6, width: 12, height: 12 };
  for (const [name, value] of Object.entries(at)) sign.setAttribute(name, value);
  return sign;
}

function lettered({ state, job, late }, size) {
  if (state !== "run" && state !== "maintenance") return "";
  const mark = late > 0 ? `${LATE} ` : "";
  const whole = state === "run" && job ? job.order : STATE_WORDS[state];
  const room = Math.floor((size - 7) / LETTER_PX) - mark.length;
  if (whole.length <= room) return mark + whole;
  // Numbers of orders differ at their end.
  return room >= 4 && state === "run" ? `${mark}…${whole.slice(1 - room)}` : mark.trim();
}

// Left and right are the bars of the lane, up and down those of the next one at the same time.
function walked(event, whole) {
  const here = event.target.closest(".bar-of");
  if (!here) return;
  if (event.key === "Enter" || event.key === " ") here.dispatchEvent(new MouseEvent("click"));
  const all = [...whole.querySelectorAll(".bar-of")];
  const lanes = [...new Set(all.map((bar) => bar.dataset.lane))];
  const of = (lane) => all.filter((bar) => bar.dataset.lane === lane);
  const own = of(here.dataset.lane);
  const beside = (by) => {
    const mid = Number(here.dataset.mid);
    const far = (bar) => Math.abs(Number(bar.dataset.mid) - mid);
    return of(lanes[lanes.indexOf(here.dataset.lane) + by]).sort((a, b) => far(a) - far(b))[0];
  };
  const moves = {
    ArrowRight: () => own[own.indexOf(here) + 1],
    ArrowLeft: () => own[own.indexOf(here) - 1],
    ArrowDown: () => beside(1),
    ArrowUp: () => beside(-1),
    Home: () => own[0],
    End: () => own.at(-1),
  };
  if (!moves[event.key] && event.key !== " ") return;
  event.preventDefault();
  moves[event.key]?.()?.focus();
}

// Patterns differ where colours cannot be told apart.
function patterns() {
  const of = (name, size, d) =>
    svg("pattern", { id: `gantt-${name}`, width: size, height: size, patternUnits: "userSpaceOnUse" },
      svg("rect", { class: "ground", width: size, height: size }),
      svg("path", { class: `stroke is-${name}`, d }),
    );
  const start = of("start-up", 6, "M1 6l2-4l2 4");
  return svg("defs", {}, of("setup", 6, "M-1 1l2-2M0 6l6-6M5 7l2-2"), start, of("idle", 4, "M0 2h4"));
}

export function legend() {
  const item = (words, of, shape) => {
    const props = { width: 26, height: 28, class: "gantt", "aria-hidden": "true" };
    return h("li", {}, svg("svg", props, svg("g", { class: of }, shape)), words);
  };
  const box = (tall) => svg("rect", { class: "box", x: 1, y: 14 - tall / 2, width: 24, height: tall, rx: 2 });
  const path = (d) => svg("path", { d });
  const steps = "M1 16h8v-8h8v6h8";
  return h("ul", { class: "gantt-legend", "aria-label": "What the bars mean" },
    Object.entries(STATE_WORDS).map(([state, words]) => item(words, `bar-of is-${state}`, box(TALL[state]))),
    item("site by the plan", "curve", path(steps)),
    item("site by the usual rule", "curve is-usual", path(steps)),
    item(`due (${LATE} late)`, "due", path("M13 2v20M13 2l7 3.5l-7 3.5")),
  );
}
