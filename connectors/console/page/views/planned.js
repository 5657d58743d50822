// What stands around the picture of a plan: its figures, maintenance, what is left out, the same as a table, and what
// came of earlier plans.

import { h, refill } from "../dom.js";
import { aim, bars, does, dueWords } from "../lanes.js";
import { assetLink, card, coded, dim, empty, exactly, list, table, tag, warningHref, wide } from "../parts.js";
import { many, number, percent, plain, signed, span } from "../words.js";

const REASONS = {
  first: "it is the first",
  orders: "orders changed",
  prices: "prices changed",
  warning: "a machine is warned of",
  breakdown: "a machine broke down",
  profiles: "what machines take was learned anew",
  plant: "the plant file changed",
  rolled: "time went on",
};
export const reasonWords = (reason) => REASONS[reason] ?? plain(reason);

export function figures({ figures: by, usual, saving, gap, currency }) {
  if (!by) return h("p", { class: "note" }, "Figures of the plan are of the whole plant: your key is of some sites.");
  const range = (low, high, unit) => `${number(low)} to ${number(high)} ${unit}, 80 %`;
  const cost = (of) => of.energy_cost + of.demand_cost;
  const co2 = (value) => (value === null ? "not known" : `${number(value, 0)} kg`);
  return h("dl", { class: "figures" },
    figure("Saves", `${number(saving.kwh, 0)} kWh`, range(saving.kwh_low, saving.kwh_high, "kWh"), "wins"),
    figure("Saves", `${number(saving.cost)} ${currency}`, range(saving.cost_low, saving.cost_high, currency), "wins"),
    figure("Energy", `${number(by.kwh, 0)} kWh`, `usual ${number(usual.kwh, 0)} kWh`),
    figure("Cost", `${number(cost(by), 0)} ${currency}`, `usual ${number(cost(usual), 0)}, of it for the peak ` +
      `${number(by.demand_cost, 0)}`),
    figure("CO2", co2(by.co2_kg), `usual ${co2(usual.co2_kg)}`),
    figure("Peak", `${number(by.peak_kw)} kW`, `usual ${number(usual.peak_kw)} kW`),
    figure("Late orders", number(by.late_orders, 0), lateWords(by, usual), by.late_orders ? "act" : null),
    figure("To the best", gap === null ? "not known" : `at most ${percent(gap, 1)}`, "that may be left to gain"),
  );
}

const lateWords = (by, usual) =>
  `${by.late_orders ? `${span(by.late_h * 3600)} in all, ` : ""}usual ${number(usual.late_orders, 0)}`;

const figure = (name, value, more, of = null) =>
  h("div", { class: of }, h("dt", {}, name), h("dd", {}, h("span", { class: "big" }, value), dim(more)));

export function cares(care) {
  const one = (it) => [
    h("a", { href: warningHref(it.alert), "data-care": it.alert }, `${plain(it.mode)} of ${it.asset}`),
    ": ",
    exactly(it.begin_us),
    " to ",
    exactly(it.end_us),
    dim(`, before it ${percent(it.chance, 1)} may fail; to be begun by `, exactly(it.deadline_us)),
  ];
  return card("Maintenance", care.length ? list(care, one) : empty("No warning asks for any in this time."));
}

export function leftOut(unplanned, isWhole) {
  if (!isWhole) return null;
  const one = (it) => [h("strong", {}, it.order), `: ${plain(it.why)}`, it.detail && [", ", coded(it.detail)]];
  return card("Orders that are not planned", unplanned.length ? list(unplanned, one) : empty("None."));
}

export function assumed(plan) {
  const search = `${plan.solver}, ${number(plan.seconds)} s; ${many(plan.moved, "job")} moved against the plan before`;
  return card("What it rests on",
    plan.assumed.length > 0 && list(plan.assumed, (words) => coded(words)),
    h("p", { class: "dim" }, search),
  );
}

let isTabled = false; // whether the table stands open: it does so when a later plan comes, too

export function asTable(plan) {
  const place = h("div", {});
  const fill = () => isTabled && !place.hasChildNodes() && refill(place, rowsOf(plan));
  const ontoggle = (event) => {
    isTabled = event.target.open;
    fill();
  };
  fill();
  const summary = h("summary", { "data-key": "as-table" }, "The plan as a table");
  return h("section", { class: "card" }, h("details", { class: "as-table", open: isTabled, ontoggle }, summary, place));
}

function rowsOf(plan) {
  const rows = bars(plan);
  const columns = [
    ["Machine", (bar) => assetLink(bar.asset, `row ${bar.key}`)],
    ["Does", does, "short"],
    ["For", (bar) => (bar.care ? h("a", { href: warningHref(bar.care.alert) }, aim(bar)) : aim(bar) || "–")],
    ["From", (bar) => exactly(bar.begin_us), "short"],
    ["To", (bar) => exactly(bar.end_us), "short"],
    ["kW", (bar) => (bar.kw === undefined ? "–" : number(bar.kw)), "num"],
    ["Due", (bar) => dueWords(bar) || "–"],
  ];
  return wide("The plan as a table", table(columns, rows, { caption: many(rows.length, "row") }));
}

export function results({ results: found, missing }) {
  if (!found.length) return card("What came of plans", empty(missing));
  const columns = [
    ["Until", (one) => exactly(one.end_us), "short"],
    ["Predicted", (one) => share(one.predicted), "num"],
    ["Realised", (one) => (one.is_valid ? share(one.realised) : "–"), "num"],
    ["80 % between", (one) => (one.is_valid ? between(one) : "–"), "short"],
    ["Measured", (one) => `${number(one.measured_kwh, 0)} kWh`, "num"],
    ["Baseline", (one) => `${number(one.baseline_kwh, 0)} kWh`, "num"],
    ["May be used", (one) => (one.is_valid ? "yes" : [tag("not to be used"), " ", coded(one.why)])],
  ];
  const caption = "Savings are shares of what the energy baseline says of that output.";
  return card("What came of plans", wide("What came of plans", table(columns, found, { caption })));
}

const between = (one) => `${share(one.realised_low)} and ${share(one.realised_high)}`;
const share = (value) => `${signed(value * 100)} %`;

export function earlier(plans, shown) {
  if (plans.length < 2) return null;
  const one = (plan) => [
    plan.id === shown
      ? h("strong", {}, exactly(plan.made_us))
      : h("a", { href: `#/plans?id=${encodeURIComponent(plan.id)}` }, exactly(plan.made_us)),
    dim(`, since ${reasonWords(plan.reason)}`, plan.saving && `, saves ${number(plan.saving.kwh, 0)} kWh`),
  ];
  return card("Plans", list(plans, one));
}
