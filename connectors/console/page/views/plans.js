// Plans of production: which machine does what when, what that saves against the usual rule, and what came of it.
// Nothing here switches a machine; people do, or their own control system.

import { get } from "../api.js";
import { h, refill } from "../dom.js";
import { gantt, legend } from "../gantt.js";
import { aim, does, facts } from "../lanes.js";
import { assetLink, coded, empty, exactly, unlessLeft, warningHref, when } from "../parts.js";
import { upper } from "../words.js";
import { asTable, assumed, cares, earlier, figures, leftOut, reasonWords, results } from "./planned.js";

export const view = { title: () => "Plans", draw };

async function draw(page) {
  const id = page.search.get("id") ?? "";
  const ask = async () => {
    const [found, came] = await Promise.all([get("/plans", page.signal), get("/plans/results", page.signal)]);
    const isAny = found.plans.length > 0;
    const path = id ? encodeURIComponent(id) : "latest";
    const plan = isAny ? await get(`/plans/${path}`, page.signal) : null;
    page.is(isAny ? "ready" : "empty");
    const none = () => [h("p", { class: "card" }, coded(found.missing)), came.results.length > 0 && results(came)];
    refill(page.body, isAny ? drawn(page, plan, found.plans, came) : none());
  };
  page.follow((topics) => topics.has("plan") && ask().catch(unlessLeft(page.wrong)));
  await ask();
}

function drawn(page, plan, plans, came) {
  const detail = h("p", { class: "gantt-said dim" }, "Choose a bar, or walk with the arrow keys, to read what it is.");
  const pick = (bar) => {
    detail.className = "gantt-said";
    refill(detail, told(bar));
  };
  return [
    h("p", {},
      ["Made ", when(plan.made_us), `, since ${reasonWords(plan.reason)}. From `, exactly(plan.begin_us)],
      [" to ", exactly(plan.end_us), ". Nothing here switches a machine."],
    ),
    figures(plan),
    h("section", { class: "card" },
      h("h2", {}, "Machines"),
      plan.power.length || plan.jobs.length
        ? [gantt(page, plan, pick), detail, legend()]
        : empty("No machine of your sites is in this plan."),
    ),
    h("div", { class: "columns" }, cares(plan.care), leftOut(plan.unplanned, plan.is_whole), assumed(plan)),
    asTable(plan),
    results(came),
    earlier(plans, plan.id),
  ];
}

// A bar in full, with its links.
function told(bar) {
  const why = bar.care ? h("a", { href: warningHref(bar.care.alert) }, aim(bar)) : aim(bar);
  const rest = facts(bar).filter(Boolean).join(", ");
  return [h("strong", {}, upper(does(bar))), " ", why, " on ", assetLink(bar.asset, "bar"), `: ${rest}.`];
}
