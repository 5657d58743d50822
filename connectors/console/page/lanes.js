// What a plan has of each machine, as bars: what it does from when to when, and for which order or maintenance.
// Pure functions of the answer; the picture and the table are made of them.

import { clock, many, number, plain, span } from "./words.js";

export const STATE_WORDS = {
  run: "making",
  setup: "set-up",
  "start-up": "start-up",
  idle: "idle",
  off: "off",
  maintenance: "maintenance",
};
// Heights in a lane: a state is told by its shape, too.
export const TALL = { run: 26, setup: 26, "start-up": 18, idle: 9, off: 3, maintenance: 26 };
export const LATE = "!";

export const lanesOf = ({ power, jobs, care }) => [...new Set([...power, ...jobs, ...care].map((one) => one.asset))];

// All bars, by machine and time. Where a job or a maintenance says what a time is for, the power's own word gives way.
export function bars({ power, jobs, care, begin_us: from, end_us: to }) {
  const meant = [
    ...jobs.flatMap((job) => [
      { ...placed(job), state: "setup", begin_us: job.setup_us, end_us: job.begin_us, job },
      { ...placed(job), state: "run", job, late: (job.end_us - job.due_us) / 1e6 },
    ]),
    ...care.map((one) => ({ ...placed(one), state: "maintenance", care: one })),
  ].filter((bar) => bar.end_us > bar.begin_us);
  const by = (asset, list) => list.filter((one) => one.asset === asset);
  const found = lanesOf({ power, jobs, care }).flatMap((asset) => {
    const [own, taken] = [by(asset, meant), by(asset, power)];
    const at = (list, us) => list.find((one) => one.begin_us <= us && us < one.end_us);
    const middle = (one) => (one.begin_us + one.end_us) / 2;
    const rest = taken.filter((one) => !at(own, middle(one)));
    return [...own.map((bar) => ({ ...bar, kw: at(taken, middle(bar))?.kw })), ...rest].sort(
      (a, b) => a.begin_us - b.begin_us,
    );
  });
  return found
    .map((bar) => ({ ...bar, begin_us: Math.max(bar.begin_us, from), end_us: Math.min(bar.end_us, to) }))
    .filter((bar) => bar.end_us > bar.begin_us)
    .map((bar) => ({ ...bar, key: `bar ${bar.asset} ${bar.state} ${bar.begin_us}` }));
}

const placed = ({ asset, begin_us, end_us }) => ({ asset, begin_us, end_us });

// What a bar is for, in a phrase.
export function aim({ state, job, care }) {
  if (care) return `for the warning of ${plain(care.mode)}`;
  if (!job) return "";
  if (state === "setup") return `for ${job.order}, ${job.product}`;
  const step = job.step ? `, step ${job.step + 1}` : "";
  return `${job.order}, ${many(job.units, "unit")} of ${job.product}${step}`;
}

export const dueWords = ({ job, late }) =>
  late === undefined ? "" : `due ${clock(job.due_us)}, ${late > 0 ? `late by ${span(late)}` : "on time"}`;

export const does = ({ state }) => STATE_WORDS[state] ?? state;

// From when to when, and with what.
export function facts(bar) {
  const { begin_us: from, end_us: to, state, job, kw } = bar;
  return [
    `${clock(from)} to ${clock(to)} (${span((to - from) / 1e6)})`,
    kw !== undefined && `${number(kw)} kW`,
    state === "run" && job && `${number(job.kwh)} kWh`,
    dueWords(bar),
    job?.is_frozen && "too near to be moved",
  ];
}

export const said = (bar) => [`${bar.asset}: ${does(bar)}`, aim(bar), ...facts(bar)].filter(Boolean).join(", ");
