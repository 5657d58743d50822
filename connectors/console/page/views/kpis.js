// The week by engineer: what was raised, held, inspected and found, and what breaks the budget of the plant file.
// Figures are the API's; nothing is counted here.

import { share } from "../bars.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { assetLink, card, coded, dim, empty, list, table, warningHref } from "../parts.js";
import { state } from "../store.js";
import { percent } from "../words.js";
import { period } from "./period.js";

export const view = { title: () => "Week", draw: (page) => draw(page) };

const draw = (page) => period(page, "week", { path: "/kpis", isEmpty, drawn });

const isEmpty = (found) => !found.engineers.length && !found.whole?.raised && !found.whole?.standing;

function drawn(found) {
  return [
    found.thinned && h("p", { class: "note" }, coded(found.thinned)),
    found.broken.length > 0 &&
      h("div", { class: "note" },
        found.broken.map((line) => h("p", {}, icon("plan", "plan"), " ", coded(line))),
      ),
    card("By engineer", isEmpty(found) ? empty("No warning stood in this week.") : engineers(found)),
    h("div", { class: "columns" },
      top(found.top),
      ids("Stale: open for long, and nobody moves them", found.whole?.stale ?? []),
      ids("Chattering: come and go", found.whole?.chattering ?? []),
    ),
  ];
}

function engineers({ engineers: rows, whole }) {
  const columns = [
    ["Engineer", (one) => (one === whole ? h("strong", {}, "the whole fleet") : one.engineer || dim("nobody's"))],
    ["Raised", (one) => one.raised, "num"],
    ["Standing", (one) => one.standing, "num"],
    ["Held back", (one) => one.held, "num"],
    ["Stale", (one) => one.stale.length, "num"],
    ["Chattering", (one) => one.chattering.length, "num"],
    ["Inspected", (one) => one.inspected, "num"],
    ["Found", (one) => one.found, "num"],
    ["Founded, of those inspected (95 %)", (one) => precision(one.precision)],
  ];
  return table(columns, whole ? [...rows, whole] : rows);
}

const precision = (one) =>
  one ? `${percent(one.share)} (${percent(one.low)} to ${percent(one.high)})` : dim("none inspected");

function top(rows) {
  const columns = [
    ["Machine", ([asset]) => assetLink(asset)],
    ["Warnings", ([, count]) => count, "num"],
    ["Share", ([, , part]) => [percent(part), share(part)]],
  ];
  return card("Most warnings", rows.length ? table(columns, rows) : empty("None."));
}

const named = (id) => {
  const known = state.warnings.get(id);
  return known ? `${known.asset}: ${known.headline}` : id.slice(0, 12);
};

const ids = (title, found) =>
  card(title, found.length ? list(found, (id) => h("a", { href: warningHref(id) }, named(id))) : empty("None."));
