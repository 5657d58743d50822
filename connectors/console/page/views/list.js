// Warnings as a table: what each asks and before when, its machine, and who has it.
// Rows are of AlertNow; where they come from is the caller's business.

import { h } from "../dom.js";
import { adviceTag, assetLink, dim, empty, table, warningHref, when } from "../parts.js";
import { percent, RUNGS, STATES } from "../words.js";

const byUrgency = (a, b) =>
  b.severity - a.severity || (a.act_before_us ?? Infinity) - (b.act_before_us ?? Infinity) || b.opened_us - a.opened_us;

export const sorted = (alerts) =>
  [...alerts].sort(
    (a, b) =>
      Number(b.is_active) - Number(a.is_active) || Number(b.is_waiting) - Number(a.is_waiting) || byUrgency(a, b),
  );

export function warningList(alerts, { withAsset = true, none = "None." } = {}) {
  if (!alerts.length) return empty(none);
  const columns = [
    ["Asks", (one) => adviceTag(one)],
    withAsset && ["Machine", (one) => assetLink(one.asset, `asset ${one.id}`), "short"],
    [
      "Warning",
      (one) => [h("a", { href: warningHref(one.id) }, one.headline || "a warning"), h("br"), dim(said(one))],
      "text",
    ],
    ["Before", (one) => (one.is_active && one.act_before_us ? when(one.act_before_us) : "–"), "short"],
    ["72 h", (one) => percent(one.chance_72h), "num"],
    ["Severity", (one) => one.severity, "num"],
    ["Whose", (one) => one.assigned || dim("nobody's"), "short"],
    ["Opened", (one) => when(one.opened_us), "short"],
  ].filter(Boolean);
  return table(columns, alerts, { row: (one) => ({ "data-alert": one.id, "data-alert-state": one.state }) });
}

function said(one) {
  const state = one.is_waiting ? "ended: say what became of it" : (STATES[one.state] ?? one.state);
  return [
    state,
    RUNGS[one.rung] ?? one.rung,
    one.confidence && `${one.confidence} confidence`,
    one.recurred ? `came back ${one.recurred === 1 ? "once" : `${one.recurred} times`}` : "",
    one.order && `order ${one.order}`,
  ]
    .filter(Boolean)
    .join(" · ");
}
