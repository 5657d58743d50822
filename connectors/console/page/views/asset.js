// One machine: how it runs, what may happen to it within a week, what drives that, and what became of it before.
// The top follows the store; charts and lists below ask for themselves.

import { get, query } from "../api.js";
import { horizons, share } from "../bars.js";
import { chart } from "../chart.js";
import { h, refill } from "../dom.js";
import { icon } from "../icons.js";
import { adviceTag, card, coded, dim, empty, heldWords, list, pairs, section, table, tag, toneOf } from "../parts.js";
import { exactly, when, wide } from "../parts.js";
import { heldOf, openNotices, state } from "../store.js";
import { chance72, driverWords, many, number, percent, plain, remaining, signalWords } from "../words.js";
import { upper, wereItUsual } from "../words.js";
import { sorted, warningList } from "./list.js";

export const view = { title: (name) => name, draw };

const path = (name, more = "") => `/assets/${encodeURIComponent(name)}${more}`;

async function draw(page) {
  const name = page.arg;
  const found = await get(path(name), page.signal);
  const top = h("div", { class: "stacked" });
  const warned = h("section", { class: "card" });
  const shown = { now: null };
  const drawTop = (topics) => {
    const now = state.assets.get(name) ?? found.now;
    if (now === shown.now && !topics.has("warnings") && !topics.has("notices")) return;
    shown.now = now;
    page.heading(name, icon(now.operating));
    refill(top, facts(now, found.forecast));
    refill(warned,
      h("h2", {}, "Warnings"),
      warningList(known(found.warnings, name), { withAsset: false, none: "None, as far as is known here." }),
    );
  };
  drawTop(new Set(["warnings"]));
  page.follow(drawTop);
  refill(page.body, top, warned, signals(page, name, found.signals), past(page, name), work(page, name));
}

// What the store knows is newer than what was asked for.
function known(asked, name) {
  const all = new Map(asked.map((one) => [one.id, one]));
  for (const one of state.warnings.values()) {
    if (one.asset === name && one.revision >= (all.get(one.id)?.revision ?? 0)) all.set(one.id, one);
  }
  return sorted([...all.values()]);
}

function facts(now, forecast) {
  const worst = state.warnings.get(now.worst);
  const tone = toneOf(now, worst);
  return [
    h("p", { class: "tags" },
      tag(now.operating, "", now.operating),
      worst ? adviceTag(worst) : now.warnings > 0 && tag(heldWords(heldOf(now.asset)), "", "held"),
      dim(
        [now.description, now.type, now.site, now.area, now.line, now.criticality && `criticality ${now.criticality}`]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
    noticed(now.asset),
    h("div", { class: "columns" },
      h("div", { class: "stacked" }, chances(now, tone), forecast && windowed(forecast, now)),
      h("div", { class: "stacked" }, health(now), drivers(now)),
    ),
  ];
}

// What is wrong with its data comes before what is said of it.
function noticed(name) {
  const open = openNotices().filter((one) => one.asset === name);
  return (
    open.length > 0 &&
    h("div", { class: "note" },
      open.map((one) =>
        h("p", {},
          h("strong", {}, upper(plain(one.kind))),
          ": ",
          coded(one.detail || plain(one.reason)),
          " ",
          dim(when(one.since_us)),
        ),
      ),
    )
  );
}

const IT = {
  idle: "It is idle",
  off: "It is off",
  starting: "It is starting",
  stopping: "It is stopping",
  maintenance: "It is in maintenance",
  unknown: "Whether it runs is not known",
};

function chances(now, tone) {
  if (!now.chances.length)
    return card("Chance of failure",
      empty("No model speaks of this machine yet: its warnings rest on rules, limits and health."),
    );
  const stands = now.operating !== "running" && now.running_until_us;
  return card("Chance of failure",
    h("p", {},
      h("span", { class: "big" }, percent(chance72(now))),
      " within 72 h ",
      dim(now.confidence && `${now.confidence} confidence`),
    ),
    horizons(now.chances, tone),
    stands &&
      h("p", { class: "note" }, `${IT[now.operating] ?? "It stands"}: its chances are of when it last ran, `, [
        when(now.running_until_us),
        ".",
      ]),
    h("p", { class: "dim" },
      [now.basis, now.model].filter(Boolean).join(" · "),
      !stands && now.window_end_us && [" · ", when(now.window_end_us)],
    ),
  );
}

// What the chances were made of, as the whole forecast said that was asked for with the view.
function windowed(forecast, now) {
  const missing = forecast.missing.map((name) => signalWords(name).words).join(", ");
  return card("What the model saw",
    pairs([
      now.operating === "running" && ["Window", ["up to ", when(forecast.window_end_us)]],
      ["Data there", percent(forecast.completeness)],
      ["It lacks", missing || "nothing"],
      ["Whose usual", forecast.baseline],
    ]),
  );
}

function health(now) {
  const left = remaining(now.remaining);
  const has = now.health != null;
  return card("Health",
    has
      ? h("p", {}, h("span", { class: "big" }, number(now.health, 0)), " of 100 ", dim("100 as ever, 50 at its limit"))
      : empty("Not known yet: it takes hours of running."),
    has && share(now.health / 100, now.health < 50 ? "plan" : "", 0.5),
    pairs([
      has && ["Told", when(now.health_us)],
      now.limiting && ["What limits it", signalWords(now.limiting).words],
      ["Time left", left || "not known"],
    ]),
  );
}

function drivers(now) {
  const drawn = (one) => [driverWords(one), h("br"), dim(wereItUsual(chance72(now), one.drop))];
  return card("What drives it", now.drivers.length ? list(now.drivers, drawn) : empty("Nothing stands out."));
}

function signals(page, name, named) {
  let days = 7;
  const ask = () => get(path(name, `/signals${query({ days })}`), page.signal);
  const drawn = (found) => (found.time_us.length ? charts(page, found, named) : null);
  const pick = (count) => {
    days = count;
    for (const one of buttons.children) one.setAttribute("aria-pressed", String(Number(one.dataset.days) === days));
    shown.ask();
  };
  const button = (count) =>
    h("button",
      { "aria-pressed": String(count === days), "data-days": count, onclick: () => pick(count) }, many(count, "day"));
  const buttons = h("div", { class: "pressed", role: "group", "aria-label": "Days shown" }, [1, 7, 30].map(button));
  const shown = section("Signals", ask, drawn, { more: buttons });
  return shown.whole;
}

const HELD = new Set(["setpoint", "state", "boolean"]); // told when they change, and so until the next

function charts(page, found, named) {
  const shared = { time_us: found.time_us, step_us: found.step_us, within_us: [found.from_us, found.to_us] };
  const one = ({ name, unit, limits, kind, sampling }) => {
    const said = signalWords(name);
    const lines = { ...shared, ...found.signals[name] };
    const isHeld = HELD.has(kind) || sampling === "on-change";
    return chart(page, { title: said.words, unit: said.unit || unit, limits, lines, isHeld });
  };
  return h("div", { class: "charts" }, named.filter(({ name }) => found.signals[name]).map(one));
}

function past(page, name) {
  const drawn = (found) =>
    (found.time_us.length || found.health_us.length || null) &&
    h("div", { class: "charts" },
      chart(page, {
        title: "Chance of failure within 72 h",
        unit: "",
        format: (value) => percent(value),
        least: 0,
        most: 1,
        lines: { time_us: found.time_us, mean: found.chance_72h },
      }),
      chart(page, {
        title: "Health",
        unit: "",
        format: (value) => number(value, 0),
        least: 0,
        most: 100,
        limits: [{ level: 50, says: "its limit" }],
        lines: { time_us: found.health_us, mean: found.health },
      }),
    );
  return section("Since this console follows it", () => get(path(name, "/history"), page.signal), drawn).whole;
}

function work(page, name) {
  const columns = [
    ["When", (one) => exactly(one.time_us)],
    ["What", (one) => plain(one.kind)],
    ["Failure mode", (one) => plain(one.mode) || "–"],
    ["Order", (one) => one.order || "–"],
  ];
  const drawn = ({ work: rows }) => (rows.length ? wide("Work done", table(columns, rows)) : null);
  return section("Work done and failures", () => get(path(name, "/work"), page.signal), drawn).whole;
}
