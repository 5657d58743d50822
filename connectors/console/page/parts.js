// Parts that many views are made of: times, tags, tables that become cards on phones, sections that load on their own,
// and honest words for what is empty or went wrong.

import { h, refill } from "./dom.js";
import { icon } from "./icons.js";
import { nowUs, state } from "./store.js";
import { ADVICE, clock, fromNow, plain, span, utc } from "./words.js";

// A time that keeps saying how far away it is: `ticking` renews these once in a while.
export function when(us, { exact = false } = {}) {
  if (us == null) return "–";
  const words = exact ? clock(us) : fromNow(us, nowUs());
  return h(
    "time",
    {
      datetime: new Date(us / 1000).toISOString(),
      title: exact ? utc(us) : `${clock(us)} (${utc(us)})`,
      ...(exact ? {} : { "data-us": us }),
    },
    words,
  );
}

export const exactly = (us) => when(us, { exact: true });

// A warning's time to act before: once it has passed, by how much it is overdue, with a sign, and a tone unless it is
// held back.
export const before = ({ act_before_us: us, held }) =>
  due(h("span", { "data-before": us, "data-tone": held?.length ? "" : "act" }));

function due(place) {
  const us = Number(place.dataset.before);
  const late = (nowUs() - us) / 1e6;
  if (late < 5) return place.childElementCount && !place.querySelector(".tag") ? place : refill(place, when(us));
  const words = tag(`overdue by ${span(late)}`, place.dataset.tone, "act");
  words.title = clock(us);
  return refill(place, words);
}

export function ticking() {
  setInterval(() => {
    for (const one of document.querySelectorAll("time[data-us]")) {
      const words = fromNow(Number(one.dataset.us), nowUs());
      if (one.textContent !== words) one.textContent = words;
    }
    for (const one of document.querySelectorAll("[data-before]")) due(one);
  }, 15000);
}

export const assetHref = (name) => `#/assets/${encodeURIComponent(name)}`;
export const warningHref = (id) => `#/warnings/${encodeURIComponent(id)}`;
export const assetLink = (name, key = "") =>
  h("a", { href: assetHref(name), class: "name", "data-key": key || null }, name);

export function tag(words, tone = "", sign = null) {
  return h("span", { class: `tag ${tone}` }, sign && icon(sign, tone), words);
}

export function adviceTag(alert) {
  if (alert.state === "closed") return tag("closed", "", "ok");
  if (alert.held?.length) return tag(alert.held.map(heldWords).join(", "), "", "held");
  if (!alert.is_active) return tag(alert.is_waiting ? "wants an outcome" : "ended", "", "ok");
  const advice = ADVICE[alert.advice] ?? ADVICE.watch;
  return tag(advice.words, advice.tone, advice.icon);
}

// The words of a hold, everywhere the same; one by design says why: "held back: it is off".
export function heldWords(held) {
  if (!held) return "held back";
  if (held.kind === "suppressed-by-design") return held.why ? `held back: ${held.why}` : "held back";
  return plain(held.kind);
}

// Which tone a machine has: that of its worst warning, and grey where all is as ever.
// `worst` leaves out those that are held back, so a machine may have warnings and none that is to be looked at.
export const isHeldBack = (asset, worst) => asset.warnings > 0 && (!asset.worst || Boolean(worst?.held?.length));

export function toneOf(asset, worst) {
  if (!asset.warnings || isHeldBack(asset, worst)) return "";
  if (worst) return ADVICE[worst.advice]?.tone ?? "plan";
  return asset.severity >= 700 ? "act" : "plan";
}

export function card(title, ...children) {
  return h("section", { class: "card" }, h("h2", {}, title), children);
}

export function pairs(rows) {
  return h("dl", { class: "pairs" },
    rows.filter(Boolean).map(([name, ...value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

export const list = (rows, draw) =>
  h("ul", { class: "lines" }, rows.map((one) => h("li", {}, draw(one))));

// What was asked for and is no longer wanted is no fault.
export const unlessLeft = (then) => (error) => {
  if (error.name !== "AbortError") then(error);
};

// `columns` are [title, cell of a row, class]; on phones each cell is led by its title.
export function table(columns, rows, { caption = "", row = () => ({}) } = {}) {
  const head = h("tr", {}, columns.map(([title, , of]) => h("th", { scope: "col", class: of }, title)));
  const body = rows.map((one) =>
    h(
      "tr",
      row(one),
      columns.map(([title, cell, of]) => h("td", { "data-title": title, class: of }, h("div", {}, cell(one)))),
    ),
  );
  return h("table", { class: "cards" },
    caption && h("caption", {}, caption),
    h("thead", {}, head),
    h("tbody", {}, body),
  );
}

export const wide = (label, ...children) =>
  h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": label }, children);
export const empty = (...words) => h("p", { class: "empty" }, words.map(coded));
export const loading = (what) => h("p", { class: "loading", role: "status" }, `Loading ${what}…`);

// The reader's own clock, when a view is drawn of an answer that does not move by itself.
export const askedAt = () => new Date().toLocaleTimeString();

// What was done, as the API says it.
export const sentLines = (lines) =>
  h("div", { class: "sent", role: "status" }, lines.map((line) => h("p", {}, coded(line))));

// What a sentence has between backticks is a command or a name, and stands as code.
export const coded = (words) =>
  typeof words === "string" ? words.split("`").map((part, at) => (at % 2 ? h("code", {}, part) : part)) : words;

// That there is no machine, as far as this caller may see.
export function noMachine() {
  const { sites } = state.me ?? {};
  if (!sites) return "";
  return sites.length ? `No machine is of your sites (${sites.join(", ")}).` : "You have no site, and so no machine.";
}

export const dim = (...words) => h("span", { class: "dim" }, words);

export function failed(error, again) {
  return h("div", { class: "failed", role: "alert" },
    h("p", {}, icon("act", "act"), " ", coded(error.message || String(error))),
    error.todo && h("p", {}, coded(error.todo)),
    again && h("button", { onclick: again, "data-key": "again" }, "Try again"),
  );
}

// A part of a view with a question of its own: it says that it loads, what went wrong, and can be asked again.
export function section(title, load, draw, { more = null } = {}) {
  const body = h("div", { class: "section-body" });
  const whole = h("section", { class: "card", "data-state": "loading" },
    h("div", { class: "card-head" }, h("h2", {}, title), more),
    body,
  );
  let turn = 0;
  const told = (mine, state, drawn) => {
    if (mine !== turn) return; // another question was asked meanwhile
    whole.dataset.state = state;
    refill(body, drawn);
  };
  const ask = async () => {
    turn += 1;
    const mine = turn;
    if (!body.hasChildNodes()) refill(body, loading(title.toLowerCase()));
    try {
      const drawn = draw(await load());
      told(mine, drawn ? "ready" : "empty", drawn ?? empty("Nothing yet."));
    } catch (error) {
      unlessLeft(() => told(mine, "error", failed(error, ask)))(error);
    }
  };
  ask();
  return { whole, ask };
}

export function field(id, label, input) {
  input.id = id;
  return h("div", { class: "field" }, h("label", { for: id }, label), input);
}

export function choice(options, value, onchange) {
  const select = h("select", { onchange: (event) => onchange(event.target.value) },
    options.map(([key, words]) => h("option", { value: key }, words)),
  );
  select.value = value;
  return select;
}
