// What warnings were worth in a month: what was missed first, and what was won last but for visits in vain.
// Amounts stand only where the plant file tells a cost; the file to download is the API's.

import { ask, query } from "../api.js";
import { h, refill } from "../dom.js";
import { icon } from "../icons.js";
import { assetLink, coded, dim, empty, exactly, failed, table, warningHref } from "../parts.js";
import { many, number, plain, upper } from "../words.js";
import { period } from "./period.js";

// Each kind of entry, and how many of them are said.
const MANY = {
  "missed failure": "missed failures",
  "warning ignored, it failed": "warnings ignored, it failed",
  "warning acknowledged, it failed all the same": "warnings acknowledged, it failed all the same",
  "confirmed save": "confirmed saves",
  "found, put off": "found, put off",
  "unfounded visit": "unfounded visits",
};
const KINDS = Object.keys(MANY);
const BAD = new Set(KINDS.slice(0, 3));
const SELF = "forewarn"; // who closes a warning that nobody closed

export const view = { title: () => "Value", draw: (page) => draw(page) };

const isEmpty = (found) => !found.entries.length;

const draw = (page) =>
  period(page, "month", { path: "/value", isEmpty, drawn: (found, month) => drawn(page, found, month) });

function drawn(page, found, month) {
  if (!found.entries.length && !found.thinned)
    return empty(
      "Nothing in this month is known to have been won or missed: no failure was told, and no warning was closed.",
    );
  const sum =
    found.amount === null ? "no amount: the plant file tells no costs" : `${money(found.amount)} ${found.currency}`;
  const unpriced = found.unpriced ? `, ${many(found.unpriced, "entry", "entries")} without a price` : "";
  return [
    found.thinned && h("p", { class: "note" }, coded(found.thinned)),
    h("div", { class: "card-head" },
      h("p", {}, h("span", { class: "big" }, sum), dim(unpriced)),
      download(page, month),
    ),
    counted(found.counts),
    h("div", { class: "card" }, entries(found)),
  ];
}

const money = (value) =>
  value == null ? "–" : `${value < 0 ? "−" : ""}${number(Math.abs(value), 0)}`;

function counted(counts) {
  return h("ul", { class: "counts", "aria-label": "Entries by kind" },
    KINDS.filter((kind) => counts[kind]).map((kind) =>
      h("li", {},
        h("span", { class: BAD.has(kind) ? "fact act" : "fact" },
          BAD.has(kind) && icon("act"),
          h("strong", {}, counts[kind]),
          counts[kind] === 1 ? kind : MANY[kind],
        ),
      ),
    ),
  );
}

function entries(found) {
  const rows = [...found.entries].sort(
    (a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.time_us - a.time_us,
  );
  const columns = [
    ["What", (one) => [BAD.has(one.kind) && icon("act", "act"), " ", upper(one.kind)]],
    ["When", (one) => exactly(one.time_us), "short"],
    ["Machine", (one) => assetLink(one.asset), "short"],
    ["Mode", (one) => plain(one.mode) || "–"],
    ["Warning", (one) => (one.alert ? h("a", { href: warningHref(one.alert) }, one.alert.slice(0, 8)) : "none")],
    ["By", (one) => (one.by === SELF ? "closed by itself" : one.by || "–")],
    ["Found", (one) => one.found || "–", "text"],
    ["Hours", (one) => number(one.hours), "num"],
    [`${found.currency} an hour`, (one) => money(one.cost_per_h), "num"],
    [found.currency || "Amount", (one) => (one.amount === null ? "unpriced" : money(one.amount)), "num"],
  ];
  return table(columns, rows);
}

// By fetch and a blob, since a plain link would carry no key.
function download(page, month) {
  const wrong = h("div");
  const fetched = async () => {
    refill(wrong);
    try {
      const answer = await ask("GET", `/value/export${query({ month })}`, undefined, page.signal);
      const href = URL.createObjectURL(await answer.blob());
      const link = h("a", { href, download: `forewarn-value-${month}.csv` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(href), 10000);
    } catch (error) {
      if (error.name !== "AbortError") refill(wrong, failed(error));
    }
  };
  return h("div", {},
    h("button", { id: "download", onclick: fetched }, "Download as CSV"),
    " ",
    dim("names of people are masked"),
    wrong,
  );
}
