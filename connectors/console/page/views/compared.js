// What would change were the shadow champion: the figures of both, side by side, and the verdict in words.
// The same figures as `forewarn model compare` prints; what has another shape is told as keys and values.

import { h } from "../dom.js";
import { dim, exactly, list, table, wide } from "../parts.js";
import { many, number, percent, plain, upper } from "../words.js";
import { said } from "./items.js";

export function comparison(found) {
  const sides = [found.sides?.[found.champion], found.sides?.[found.candidate]];
  if (!sides[0] || !sides[1]) return said("", found);
  return [
    h("p", {},
      h("strong", {}, `Verdict: ${plain(found.verdict?.reason)}`),
      found.verdict?.figures && `, ${found.verdict.figures}`,
    ),
    h("p", { class: "dim" },
      `${many(found.machines, "machine")}, ${number(found.machine_days, 0)} machine-days, `,
      `${number(found.both, 0)} warnings of the champion that the candidate gives too`,
    ),
    wide("Figures", figures(found, sides)),
    gained(found.lead_gained_h ?? []),
    h("h3", {}, "Reliability: what was said, and what came (95 %)"),
    wide("Reliability", reliability(found, sides)),
    [found.champion, found.candidate].map((version, at) => alone(version, sides[at].alone ?? [])),
  ];
}

const FIGURES = [
  ["Warnings", (side) => number(side.warnings, 0)],
  ["Unfounded", (side) => number(side.unfounded, 0)],
  ["Undecided yet", (side) => number(side.undecided, 0)],
  ["That only it gives", (side) => number((side.alone ?? []).length, 0)],
  ["Failures warned of", (side) => `${(side.leads_h ?? []).length} of ${side.failures}`],
  ["Median lead", (side) => (side.leads_h?.length ? `${number(middle(side.leads_h), 1)} h` : "–")],
  ["Brier within 72 h", (side) => number(side.brier_72h, 4)],
  [
    "Minutes before a failure: by its chances, and as it came",
    (side) => `${number(side.expected, 0)}, ${number(side.came, 0)} of ${number(side.known, 0)} known`,
  ],
  ["Microseconds a row", (side) => number(side.us_a_row_256, 2)],
];

function middle(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function figures(found, sides) {
  const of =
    (at) =>
    ([, value]) =>
      value(sides[at]);
  return table(
    [
      ["Figure", ([name]) => name],
      [`champion ${found.champion}`, of(0), "num"],
      [`candidate ${found.candidate}`, of(1), "num"],
    ],
    FIGURES,
  );
}

function gained(hours) {
  if (!hours.length) return null;
  return h("p", {},
    `Lead of the candidate less the champion's, where both warned: median ${number(middle(hours), 1)} h, `,
    `from ${number(Math.min(...hours), 1)} to ${number(Math.max(...hours), 1)} h (${many(hours.length, "failure")}).`,
  );
}

function reliability(found, sides) {
  const bins = sides[0].reliability
    .map((one, at) => [one, sides[1].reliability[at]])
    .filter(([a, b]) => a.rows || b?.rows);
  const came = (one) =>
    one?.came === null || !one ? "–" : `${percent(one.came, 1)} (${percent(one.low, 1)} to ${percent(one.high, 1)})`;
  return table(
    [
      ["Chance", ([one]) => `${percent(one.from)} to ${percent(one.to)}`, "short"],
      ["Champion said", ([one]) => percent(one.mean_chance, 1), "num"],
      ["came", ([one]) => came(one), "num"],
      ["failures", ([one]) => one.failures, "num"],
      ["Candidate said", ([, one]) => percent(one?.mean_chance, 1), "num"],
      ["came ", ([, one]) => came(one), "num"],
      ["failures ", ([, one]) => one?.failures ?? "–", "num"],
    ],
    bins,
  );
}

const SHOWN = 20;

function alone(version, rows) {
  if (!rows.length) return null;
  return [
    h("h3", {}, upper(`only ${version} warns of`)),
    list(rows.slice(0, SHOWN), ([asset, us]) => [asset, " ", dim(exactly(us))]),
    rows.length > SHOWN && dim(`and ${rows.length - SHOWN} more`),
  ];
}
