// The ten machines of the highest rank, which stay in sight beside every view: a column on wide screens, a strip on
// phones.

import { byId, h, refill } from "./dom.js";
import { share } from "./bars.js";
import { icon } from "./icons.js";
import { assetHref, heldWords, isHeldBack, noMachine, toneOf } from "./parts.js";
import { byRank, heldOf, state } from "./store.js";
import { chance72, number, percent } from "./words.js";

const SHOWN = 10;

export function drawWorst() {
  const ten = byRank().slice(0, SHOWN);
  refill(
    byId("worst"),
    h("h2", { id: "worst-title" }, "Worst ten"),
    !state.loaded
      ? h("p", { class: "loading" }, state.live.why || "Loading…")
      : ten.length
        ? h("ol", {}, ten.map(row))
        : h("p", { class: "empty" }, noMachine() || "No machine is known yet."),
  );
}

function row(asset) {
  const worst = state.warnings.get(asset.worst);
  const tone = toneOf(asset, worst);
  const chance = chance72(asset);
  const health = asset.health == null ? "–" : number(asset.health, 0);
  return h("li", { "data-asset": asset.asset },
    h(
      "a",
      {
        href: assetHref(asset.asset),
        title: asset.asset,
        class: `worst-row ${tone}`,
        "data-key": `worst ${asset.asset}`,
      },
      h("span", { class: "worst-name" }, tone && icon(tone, tone), asset.asset),
      h("span", { class: "worst-chance" }, percent(chance), h("small", {}, " in 72 h")),
      share(chance, tone),
      h("span", { class: "worst-more" }, `health ${health}`, h("span", {}, severity(asset, worst))),
    ),
  );
}

function severity(asset, worst) {
  if (!asset.warnings) return "no warning";
  return isHeldBack(asset, worst) ? heldWords(heldOf(asset.asset)) : `severity ${asset.severity}`;
}
