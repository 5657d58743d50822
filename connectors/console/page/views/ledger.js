// The ledger: every row that was read is stored or rejected with a reason, or the sum says that it is not.
// The head follows the stream; the parts are asked for.

import { get } from "../api.js";
import { h, refill } from "../dom.js";
import { icon } from "../icons.js";
import { askedAt, card, dim, empty, list, table, wide } from "../parts.js";
import { state } from "../store.js";
import { number, plain } from "../words.js";

export const view = { title: () => "Ledger", draw };

async function draw(page) {
  const head = h("div", { class: "stacked" });
  const found = await get("/ledger", page.signal);
  const drawHead = () => refill(head, balance(state.ledger ?? { ...found.total, balances: found.balances }));
  drawHead();
  page.follow((topics) => topics.has("ledger") && drawHead());
  const total = found.total ?? {};
  if (!total.rows_read && !total.records_read) page.is("empty");
  refill(page.body,
    head,
    card("By partition", counts("Partition", Object.entries(found.partitions ?? {}))),
    h("div", { class: "columns" },
      card("By source", counts("Source", Object.entries(total.sources ?? {}))),
      reasons(total.rejected_by_reason ?? {}),
    ),
    h("div", { class: "columns" }, topics(found.topics ?? {}), feeds(total.feeds ?? {})),
    h("p", {},
      h("button", { id: "ask-again", onclick: () => draw(page).catch(page.wrong) }, "Ask again"),
      " ",
      dim("the parts were asked for at ", askedAt()),
    ),
  );
}

function balance(sum) {
  const is = sum.balances;
  return [
    h("p", { class: is ? "card" : "failed", "data-balances": String(is) },
      icon(is ? "ok" : "act", is ? "" : "act"),
      " ",
      h("strong", {}, is ? "It balances" : "It does not balance"),
      ": ",
      `${number(sum.rows_read, 0)} rows read = ${number(sum.rows_stored, 0)} stored + `,
      `${number(sum.rows_rejected, 0)} rejected`,
      sum.rows_late ? dim(` (${number(sum.rows_late, 0)} of the stored came late)`) : "",
    ),
    h("ul", { class: "counts", "aria-label": "Sums" },
      SUMS.filter(([name]) => sum[name] !== undefined).map(([name, words]) =>
        h("li", {}, h("span", { class: "fact" }, h("strong", {}, number(sum[name], 0)), words)),
      ),
    ),
  ];
}

const SUMS = [
  ["records_read", "records read"],
  ["records_rejected", "records rejected"],
  ["values_read", "values read"],
  ["values_stored", "values stored"],
  ["values_rejected", "values rejected"],
  ["forecasts", "forecasts"],
  ["alerts", "revisions of warnings"],
  ["notices", "revisions of notices"],
];

function counts(title, rows) {
  if (!rows.length) return empty("None yet.");
  const cell = (name, words) => [words, ([, one]) => number(one[name], 0), "num"];
  const columns = [
    [title, ([name]) => name],
    cell("rows_read", "Rows read"),
    cell("rows_stored", "Stored"),
    cell("rows_late", "Late"),
    cell("rows_rejected", "Rejected"),
    cell("values_rejected", "Values rejected"),
  ];
  return wide(
    `By ${title.toLowerCase()}`,
    table(columns.filter((_, at) => at < 5 || rows.some(([, one]) => one.values_rejected !== undefined)), rows),
  );
}

const tally = (title, heads, rows, none) =>
  card(title,
    rows.length
      ? table(
          [[heads[0], ([name]) => plain(name)], [heads[1], ([, count]) => number(count, 0), "num"]],
          rows,
        )
      : empty(none),
  );

const reasons = (found) =>
  tally(
    "Why it was rejected",
    ["Reason", "Values, or whole records"],
    Object.entries(found).sort((a, b) => b[1] - a[1]),
    "Nothing was rejected.",
  );
const topics = (found) => tally("By topic", ["Topic", "Records"], Object.entries(found), "None yet.");

function feeds(found) {
  const rows = Object.entries(found);
  if (!rows.length) return null;
  const counted = (one) => Object.entries(one).map(([key, value]) => `${plain(key)} ${number(value, 0)}`);
  return card("Feeds", list(rows, ([name, one]) => [h("strong", {}, name), " ", counted(one).join(", ")]));
}
