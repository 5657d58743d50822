// Warnings as a table: what each asks and before when, its machine, and who has it.
// Rows are of AlertNow; where they come from is the caller's business.

import { h } from "../dom.js";
import { adviceTag, assetLink, before, dim, empty, table, warningHref, when } from "../parts.js";
import { ADVICE, OUTCOMES, percent, RUNGS, STATES } from "../words.js";

const ASKS = Object.keys(ADVICE);
const asks = (one) => (ASKS.indexOf(one.advice) + ASKS.length) % ASKS.length;
const untilUs = (one) => one.act_before_us ?? Number.MAX_SAFE_INTEGER;

const byUrgency = (a, b) => asks(a) - asks(b) || untilUs(a) - untilUs(b) || b.severity - a.severity;

// Those that are to be acted upon, those that are held back, those that want an outcome, and the rest.
function standing(one) {
  if (one.is_active) return one.held?.length ? 1 : 0;
  return one.is_waiting ? 2 : 3;
}

export const SORTED = [
  "Sorted by what they ask, then by the time to act before, then by severity;",
  "after these what is held back, what wants an outcome, and what is over, the last opened first.",
].join(" ");

export const sorted = (alerts) =>
  [...alerts].sort(
    (a, b) => standing(a) - standing(b) || (a.is_active && byUrgency(a, b)) || b.opened_us - a.opened_us,
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
    ["Before", (one) => (one.is_active && one.act_before_us ? before(one) : "–"), "short"],
    ["72 h, when told", (one) => percent(one.chance_72h), "num"],
    ["Severity", (one) => one.severity, "num"],
    ["Whose", (one) => one.assigned || dim("nobody's"), "short"],
    ["Opened", (one) => when(one.opened_us), "short"],
  ].filter(Boolean);
  return table(columns, alerts, { row: (one) => ({ "data-alert": one.id, "data-alert-state": one.state }) });
}

function said(one) {
  const isClosed = one.state === "closed"; // as its badge says already
  const ended = isClosed ? OUTCOMES[one.outcome?.reason] : (STATES[one.state] ?? one.state);
  const state = one.is_waiting ? "ended: say what became of it" : ended;
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
