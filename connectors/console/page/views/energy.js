// What the overview says of energy: a quarter-hour that will pass its limit, while it may still be helped, and what the
// plan saves. Where nothing plans or watches, nothing is said.

import { get } from "../api.js";
import { h, refill } from "../dom.js";
import { icon } from "../icons.js";
import { assetLink, coded, dim, exactly, list, unlessLeft } from "../parts.js";
import { nowUs } from "../store.js";
import { many, number } from "../words.js";

const QUARTER_US = 15 * 60e6;
const AGAIN_MS = 5000;

export function energyParts(page) {
  const [banner, tile] = [h("div", { class: "stacked", "aria-live": "polite" }), h("div", {})];
  const open = new Map();
  const show = () => refill(banner, [...open.values()].filter((one) => leftUs(one) > 0).map(demand));
  const ask = async (topics) => {
    if (topics.has("demand")) {
      const { warnings } = await get("/demand", page.signal);
      open.clear();
      for (const one of warnings) if (one.is_open) open.set(one.id, one);
      show();
    }
    if (topics.has("plan")) refill(tile, saved((await get("/plans", page.signal)).plans[0]));
  };
  const quietly = (topics) => ask(topics).catch(unlessLeft((error) => console.warn("energy", error.message)));
  page.follow((topics) => (topics.has("demand") || topics.has("plan")) && quietly(topics));
  const timer = setInterval(() => open.size && show(), AGAIN_MS);
  page.onEnd(() => clearInterval(timer));
  quietly(new Set(["demand", "plan"]));
  return [banner, tile];
}

const leftUs = (one) => one.quarter_us + QUARTER_US - nowUs();

function demand(one) {
  const left = Math.ceil(leftUs(one) / 60e6);
  const expected =
    one.expected_kw === null
      ? "The plant will pass its limit of power"
      : `${number(one.expected_kw)} kW expected (${number(one.low_kw)} to ${number(one.high_kw)}), the limit is ` +
        `${number(one.limit_kw)} kW`;
  const waits = (it) => [
    assetLink(it.asset),
    `: ${number(it.kw)} kW, ${it.minutes} min at most`,
    dim(", ", coded(it.why)),
  ];
  return h("section", { class: "failed demand", "data-demand": one.id, "aria-label": "Demand warning" },
    h("p", {},
      [icon("act", "act"), " ", h("strong", {}, `${expected}, ${many(left, "minute")} left`)],
      [" in the quarter-hour from ", exactly(one.quarter_us), one.why && [": ", coded(one.why)], "."],
    ),
    one.shed.length > 0 && [h("p", {}, "May wait, the least costly first:"), list(one.shed, waits)],
    one.kept.length > 0 && [
      h("p", {}, "Must not wait:"),
      list(one.kept, (it) => [assetLink(it.asset), dim(": ", coded(it.why))]),
    ],
  );
}

function saved(plan) {
  if (!plan?.saving || plan.end_us < nowUs()) return null;
  const { kwh, cost } = plan.saving;
  return h("a", { class: "plan-tile", href: "#/plans", "data-plan": plan.id },
    ["The plan saves ", h("strong", {}, `${number(kwh, 0)} kWh and ${number(cost)} ${plan.currency}`)],
    dim(" against the usual rule, until ", exactly(plan.end_us)),
  );
}
