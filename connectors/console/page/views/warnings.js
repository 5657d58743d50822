// All warnings, by state, machine and whose they are. Open ones come from the store and move with it.
// Closed ones are asked for, and the newest are shown first.

import { get, query } from "../api.js";
import { h, refill } from "../dom.js";
import { choice, failed, field, loading, unlessLeft } from "../parts.js";
import { keepSearch } from "../router.js";
import { openWarnings, state } from "../store.js";
import { many } from "../words.js";
import { SORTED, sorted, warningList } from "./list.js";

const STEP = 200;

export const view = { title: () => "Warnings", draw };

async function draw(page) {
  const told = (name) => page.search.get(name) ?? "";
  const chosen = { state: told("state") || "open", asset: told("asset"), assigned: told("assigned") };
  const place = h("div", {});
  const held = { asked: null, more: false, limit: STEP, error: null, turn: 0 };
  const show = () => shown(page, place, chosen, held, ask);
  const ask = async (limit = STEP) => {
    await asked(page, chosen, held, limit);
    if (!page.signal.aborted) show();
  };
  const pick = (name, value) => {
    chosen[name] = value;
    keepSearch("/warnings", { ...chosen, state: chosen.state === "open" ? "" : chosen.state });
    if (name === "state") refill(place, loading("warnings"));
    if (name === "state" || (name === "asset" && chosen.state !== "open")) ask();
    else show();
  };
  held.whose = whose(chosen, pick);
  refill(page.body, filters(chosen, pick, held.whose.select), place);
  page.follow((topics) => topics.has("warnings") && !held.error && show());
  await ask();
}

// Open ones are in the store. Of answers that overtake each other the last question's counts.
async function asked(page, chosen, held, limit) {
  held.turn += 1;
  const { turn } = held;
  let came = { asked: null, more: false, error: null };
  if (chosen.state !== "open" || !state.loaded) {
    const asset = state.assets.has(chosen.asset) ? chosen.asset : "";
    try {
      const found = await get(`/alerts${query({ state: chosen.state, asset, limit })}`, page.signal);
      came = { ...came, asked: found.alerts, more: found.more };
    } catch (error) {
      unlessLeft(() => {
        came = { ...came, error };
      })(error);
    }
  }
  if (turn === held.turn) Object.assign(held, came, { limit });
}

function shown(page, place, chosen, held, ask) {
  page.is(held.error ? "error" : "ready");
  if (held.error)
    return refill(place, failed(held.error, () => ask()));
  const known = merged(held.asked, chosen.state);
  held.whose.of(known);
  const rows = sorted(known.filter((one) => isWanted(one, chosen)));
  if (!rows.length) page.is("empty");
  return refill(place,
    rows.length
      ? h("p", { class: "dim" }, h("span", { role: "status" }, many(rows.length, "warning")), `. ${SORTED}`)
      : null,
    h("div", { class: rows.length ? "card" : null }, warningList(rows, { none: NONE[chosen.state] })),
    held.more &&
      chosen.state !== "open" &&
      h("p", {},
        "There are older ones. ",
        h("button", { "data-key": "more", onclick: () => ask(held.limit + STEP) }, "Show more"),
      ),
  );
}

const NONE = {
  open: "No warning is open that is like this.",
  closed: "No warning has been closed that is like this.",
  all: "There is no warning like this.",
};

// What was asked for, and what has moved since.
function merged(asked, wanted) {
  if (!asked) return openWarnings();
  const all = new Map(asked.map((one) => [one.id, one]));
  for (const one of state.warnings.values()) {
    if (one.revision >= (all.get(one.id)?.revision ?? 0)) all.set(one.id, one);
  }
  const isOpen = (one) => one.is_active || one.is_waiting;
  return [...all.values()].filter((one) => wanted === "all" || isOpen(one) === (wanted === "open"));
}

const isWanted = (one, { asset, assigned }) =>
  (!asset || one.asset.toLowerCase().includes(asset.toLowerCase())) &&
  (!assigned || (assigned === "-" ? !one.assigned : one.assigned === assigned));

const STATES = [["open", "open"], ["closed", "closed"], ["all", "all"]];

// Whose they are: all, mine, nobody's, and the names that there are.
function whose(chosen, pick) {
  const select = choice([], "", (value) => pick("assigned", value));
  const of = (alerts) => {
    const names = new Set(alerts.map((one) => one.assigned));
    names.add(chosen.assigned);
    for (const not of ["", "-", state.me.name]) names.delete(not);
    const others = [...names].sort().map((name) => [name, name]);
    const options = [["", "all"], [state.me.name, `mine (${state.me.name})`], ["-", "nobody's"], ...others];
    const is = options.join("\n");
    if (select.dataset.of === is) return; // a list that is open is not closed
    select.dataset.of = is;
    select.replaceChildren(...options.map(([key, words]) => h("option", { value: key }, words)));
    select.value = chosen.assigned;
  };
  of([]);
  return { select, of };
}

function filters(chosen, pick, assigned) {
  const text = (name) =>
    h("input", { type: "search", value: chosen[name], oninput: (event) => pick(name, event.target.value.trim()) });
  return h("div", { class: "filters", role: "search", "aria-label": "Warnings" },
    field("state", "Show", choice(STATES, chosen.state, (value) => pick("state", value))),
    field("asset", "Machine", text("asset")),
    field("assigned", "Whose", assigned),
  );
}
