// Machines as tiles: one look says which is worse, its words say why. Grouped, sorted, five hundred at once.
// It draws what it is given and remembers nothing.

import { share } from "../bars.js";
import { arrange, h, refill } from "../dom.js";
import { icon } from "../icons.js";
import { assetHref, empty, heldWords, isHeldBack, noMachine, toneOf } from "../parts.js";
import { heldOf, state } from "../store.js";
import { ADVICE, chance72, many, number, percent } from "../words.js";

const BIG = 24; // so many tiles are worth drawing only once they come into sight
const byName = (a, b) => a.asset.localeCompare(b.asset, undefined, { numeric: true });

// By warning first, and then by name: machines keep their places while chances move by a hair.
// Those whose warnings are all held back come after the open ones, before the rest.
const weight = (asset) => {
  if (!asset.warnings) return 0;
  return isHeldBack(asset, state.warnings.get(asset.worst)) ? 0.5 : Math.max(1, asset.severity);
};
const bySeverity = (a, b) => weight(b) - weight(a) || byName(a, b);

export const SORTS = {
  severity: { words: "warnings first", of: bySeverity },
  rank: { words: "rank, worst first", of: (a, b) => b.rank - a.rank || byName(a, b) },
  name: { words: "name", of: byName },
  chance: { words: "chance of failure", of: (a, b) => (chance72(b) ?? -1) - (chance72(a) ?? -1) || byName(a, b) },
  health: { words: "health, lowest first", of: (a, b) => (a.health ?? 101) - (b.health ?? 101) || byName(a, b) },
};

const GROUPS = {
  line: (asset) => [asset.site, asset.area, asset.line].filter(Boolean).join(" / ") || "no area told",
  area: (asset) => [asset.site, asset.area].filter(Boolean).join(" / ") || "no area told",
  operating: (asset) => asset.operating,
  type: (asset) => asset.type || "no type told",
};

export function drawTiles(place, assets, { group, sort }, whole) {
  if (!whole)
    return refill(place,
      noMachine()
        ? empty(noMachine())
        : empty("No machine is known yet: nothing has been read from this plant. ",
            h("a", { href: "#/ledger" }, "The ledger"),
            " says whether rows come in.",
          ),
    );
  if (!assets.length)
    return refill(place, empty(`None of ${many(whole, "machine")} is like that. Take a filter away.`));
  const sorted = [...assets].sort((SORTS[sort] ?? SORTS.severity).of);
  const groups = grouped(sorted, GROUPS[group] ?? (() => ""));
  const ordered = sort === "name" ? [...groups].sort(([a], [b]) => a.localeCompare(b)) : [...groups];
  const sections = drawnIn.get(place) ?? new Map();
  drawnIn.set(place, sections);
  return arrange(place, ordered.map(([name, ones]) => section(sections, name, ones)));
}

// Not Map.groupBy: it is of 2024, and older browsers stand in control rooms.
function grouped(items, of) {
  const groups = new Map();
  for (const item of items) groups.set(of(item), [...(groups.get(of(item)) ?? []), item]);
  return groups;
}

// Sections that are on the page stay there: what is built anew loses the focus that a person had in it.
const drawnIn = new WeakMap();

function section(sections, name, ones) {
  const warned = ones.filter((one) => one.warnings).length;
  const words = `${many(ones.length, "machine")}${warned ? `, ${warned} with warnings` : ""}`;
  const known = sections.get(name) ?? { heading: h("h2"), list: h("ul", { class: "tiles" }) };
  known.whole ??= h("section", {}, known.heading, known.list);
  sections.set(name, known);
  known.whole.className = ones.length > BIG ? "lots" : "";
  refill(known.heading, name && `${name} `, h("span", { class: "dim" }, words));
  arrange(known.list, ones.map(tile));
  return known.whole;
}

// A tile is drawn anew only where its machine or its worst warning is another record than before.
const kept = new WeakMap();

function tile(asset) {
  const worst = state.warnings.get(asset.worst);
  const held = isHeldBack(asset, worst) ? heldWords(heldOf(asset.asset)) : "";
  const known = kept.get(asset);
  if (known && known.worst === worst && known.held === held) return known.element;
  const element = drawnTile(asset, worst, held);
  kept.set(asset, { worst, held, element });
  return element;
}

function drawnTile(asset, worst, held) {
  const tone = toneOf(asset, worst);
  const chance = chance72(asset);
  return h("li", { "data-asset": asset.asset },
    h("a", { class: `tile ${tone}`, href: assetHref(asset.asset), title: asset.description || null },
      h("span", { class: "tile-name" }, asset.asset),
      h("span", { class: "tile-chance" }, chance === null ? "–" : [percent(chance), h("small", {}, " 72 h")]),
      share(chance, tone),
      h("span", { class: "tile-more" },
        h("span", {}, icon(asset.operating), asset.operating),
        h("span", {},
          asset.health == null ? "no health yet" : `health ${number(asset.health, 0)}`,
        ),
      ),
      h("span", { class: "tile-more" }, said(asset, held, tone)),
    ),
  );
}

function said(asset, held, tone) {
  if (!asset.warnings) return h("span", {}, chance72(asset) === null ? "no forecast yet" : "no warning");
  if (held) return h("span", { title: held }, icon("held"), held);
  const sign = Object.values(ADVICE).find((one) => one.tone === tone);
  return h("span", {},
    sign && icon(sign.icon, tone),
    `${sign?.words ?? "warning"}${asset.warnings > 1 ? `, ${asset.warnings} warnings` : ""}`,
  );
}
