// All machines at a glance: how many run, which are warned of, where they stand, and what is open about the data.
// It is drawn from the store alone and moves with it.

import { h, refill } from "../dom.js";
import { icon } from "../icons.js";
import { retry } from "../live.js";
import { choice, coded, dim, empty, failed, field, isHeldBack, loading, tag, toneOf, when } from "../parts.js";
import { keepSearch } from "../router.js";
import { openNotices, openWarnings, state } from "../store.js";
import { ADVICE, many, OPERATING, plain, upper } from "../words.js";
import { energyParts } from "./energy.js";
import { drawTiles, SORTS } from "./tiles.js";

const DEFAULTS = { text: "", operating: "", warned: "", group: "line", sort: "severity" };

export const view = { title: () => "Overview", draw };

function draw(page) {
  const told = Object.entries(DEFAULTS).map(([name, value]) => [name, page.search.get(name) ?? value]);
  const chosen = Object.fromEntries(told);
  const parts = {
    counts: h("div"),
    tiles: h("div", { class: "groups" }),
    notices: h("section", { class: "card", id: "notices" }),
  };
  const pick = (name, value) => {
    chosen[name] = value;
    const changed = Object.entries(chosen).filter(([key, one]) => one !== DEFAULTS[key]);
    keepSearch("/", Object.fromEntries(changed));
    drawMachines(parts, chosen, pick);
  };
  const drawAll = (topics) => {
    if (!state.loaded) return;
    page.is(state.assets.size ? "ready" : "empty");
    if (topics.has("assets") || topics.has("warnings") || topics.has("notices")) drawMachines(parts, chosen, pick);
    if (topics.has("notices")) drawNotices(parts.notices);
  };
  refill(parts.tiles, loading("machines"));
  const [demand, saving] = energyParts(page);
  refill(page.body, demand, parts.counts, saving, filters(chosen, pick), parts.tiles, parts.notices);
  page.follow(drawAll);
  page.follow((topics) => topics.has("live") && !state.loaded && notLoaded(page, parts.tiles));
  drawAll(new Set(["assets", "warnings", "notices"]));
  return state.loaded ? undefined : once(page);
}

function notLoaded(page, place) {
  if (!state.live.why) return;
  page.is("error");
  refill(place, failed({ message: state.live.why, todo: "This page tries again by itself." }, retry));
}

// The view stays "loading" until the first overview is there.
const once = (page) =>
  new Promise((done) => {
    page.follow(() => state.loaded && done());
    page.onEnd(done);
  });

function drawMachines(parts, chosen, pick) {
  const assets = [...state.assets.values()];
  refill(parts.counts, counts(assets, chosen, pick));
  drawTiles(parts.tiles, assets.filter((asset) => isWanted(asset, chosen)), chosen, assets.length);
}

function isWanted(asset, { text, operating, warned }) {
  if (operating && asset.operating !== operating) return false;
  if (warned && !isWarned(asset, warned)) return false;
  const words = `${asset.asset} ${asset.description} ${asset.area} ${asset.line} ${asset.type}`.toLowerCase();
  return (!text || text .toLowerCase() .split(/\s+/) .every((word) => words.includes(word)));
}

function isWarned(asset, kind) {
  const worst = state.warnings.get(asset.worst);
  if (kind === "none") return !asset.warnings;
  return kind === "held" ? isHeldBack(asset, worst) : toneOf(asset, worst) === ADVICE[kind]?.tone;
}

function counts(assets, chosen, pick) {
  const count = (of) => assets.filter(of).length;
  const button = (name, value, sign, found, words, tone = null) => {
    const isChosen = chosen[name] === value;
    const onclick = () => pick(name, isChosen ? "" : value);
    const props = { class: tone, "aria-pressed": String(isChosen), onclick, "data-key": `${name} ${value}` };
    return h("li", {}, h("button", props, icon(sign), h("strong", {}, found), words));
  };
  const warned = ["act-now", "plan", "watch"].map((name) => {
    const found = count((asset) => isWarned(asset, name));
    return button("warned", name, ADVICE[name].icon, found, ADVICE[name].words, found ? ADVICE[name].tone : "none");
  });
  const heldBack = count((asset) => isWarned(asset, "held"));
  const fact = (found, words) => h("li", {}, h("span", { class: "fact" }, h("strong", {}, found), words));
  const states = OPERATING.map((name) => [name, count((asset) => asset.operating === name)]);
  return h("ul", { class: "counts", "aria-label": "Machines by state and by warning" },
    warned,
    (heldBack > 0 || chosen.warned === "held") && button("warned", "held", "held", heldBack, "held back"),
    fact(openWarnings().filter((one) => one.is_waiting).length, "wait for an outcome"),
    fact(openNotices().length, "open notices"),
    states.filter(([, found]) => found).map(([name, found]) => button("operating", name, name, found, name)),
  );
}

// Five hundred tiles are not drawn for every letter.
let typing = null;
const soon = (then) => {
  clearTimeout(typing);
  typing = setTimeout(then, 120);
};

const GROUPED = { line: "area and line", area: "area", operating: "operating state", type: "type", "": "not grouped" };
const SORTED = Object.entries(SORTS).map(([key, { words }]) => [key, words]);

function filters(chosen, pick) {
  const oninput = (event) => soon(() => pick("text", event.target.value));
  const search = h("input", { type: "search", value: chosen.text, placeholder: "name, area, line", oninput });
  const picked = (name, options) => choice(options, chosen[name], (value) => pick(name, value));
  return h("div", { class: "filters", role: "search", "aria-label": "Machines" },
    field("find", "Find", search),
    field("group", "Grouped by", picked("group", Object.entries(GROUPED))),
    field("sort", "Sorted by", picked("sort", SORTED)),
    h("p", { class: "dim" }, "Percent: chance of failure within 72 h"),
  );
}

function drawNotices(place) {
  const open = openNotices().sort((a, b) => b.time_us - a.time_us);
  refill(place,
    h("div", { class: "card-head" },
      h("h2", {}, "Open notices"),
      h("span", { class: "dim" }, "about data and the service, never about a machine"),
    ),
    open.length
      ? h("ul", { class: "lines" }, alike(open).map(noticed))
      : empty(state.me?.sites ? "None of your sites." : "None: the data and the service are as they should be."),
  );
}

// Notices that say the same of several machines, the last first, as one.
function alike(open) {
  const groups = new Map();
  for (const one of open) {
    const of = one.asset ? [one.kind, one.signal, one.source, one.detail || one.reason].join("\n") : one.id;
    groups.set(of, [...(groups.get(of) ?? []), one]);
  }
  return [...groups];
}

const unfolded = new Set(); // groups whose names are shown: they stay so when the list is drawn anew

function noticed([of, ones]) {
  if (ones.length === 1) return notice(ones[0]);
  const [first] = ones;
  const ontoggle = (event) => (event.target.open ? unfolded.add(of) : unfolded.delete(of));
  const told = [first.signal, first.source].filter(Boolean).join(", ");
  const names = ones.map((one) => h("li", { "data-notice": one.id }, one.asset, " ", dim(when(one.since_us))));
  return h("li", {},
    tag(upper(plain(first.kind))),
    " ",
    h("strong", {}, `${many(ones.length, "machine")}${told && `, ${told}`}: `),
    coded(first.detail || plain(first.reason)),
    " ",
    dim(when(Math.min(...ones.map((one) => one.since_us)))),
    h("details", { open: unfolded.has(of), ontoggle }, h("summary", {}, "Which"), h("ul", { class: "lines" }, names)),
  );
}

function notice(one) {
  const about = [one.asset, one.signal, one.source].filter(Boolean).join(", ");
  return h("li", { "data-notice": one.id },
    tag(upper(plain(one.kind))),
    " ",
    about && h("strong", {}, `${about}: `),
    coded(one.detail || plain(one.reason)),
    " ",
    h("span", { class: "dim" }, when(one.since_us)),
  );
}
