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
      { state: "setup", asset: job.asset, begin_us: job.setup_us, end_us: job.begin_us, job },
      { state: "run", asset: job.asset, begin_us: job.begin_us, end_us: job.end_us, job, late: lateness(job) },
    ]),
    ...care.map((one) => {
      const { asset, begin_us: begins, end_us: ends } = one;
      return { state: "maintenance", asset, begin_us: begins, end_us: ends, care: one };
    }),
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

const lateness = (job) => (job.end_us - job.due_us) / 1e6;

export const sinceWords = (bar) =>
  `${clock(bar.begin_us)} to ${clock(bar.end_us)} (${span((bar.end_us - bar.begin_us) / 1e6)})`;

// What a bar is for, in a phrase.
export function aim({ state, job, care }) {
  if (care) return `for the warning of ${plain(care.mode)}`;
  if (!job) return "";
  if (state === "setup") return `for ${job.order}, ${job.product}`;
  const step = job.step ? `, step ${job.step + 1}` : "";
  return `${job.order}, ${many(job.units, "unit")} of ${job.product}${step}`;
}

export function dueWords({ state, job, late }) {
  if (state !== "run" || !job) return "";
  const how = late > 0 ? `late by ${span(late)}` : "on time";
  return `due ${clock(job.due_us)}, ${how}`;
}

export function said(bar) {
  const of = aim(bar);
  const power = bar.kw === undefined ? "" : `${number(bar.kw)} kW`;
  const energy = bar.state === "run" && bar.job ? `${number(bar.job.kwh)} kWh` : "";
  const does = `${bar.asset}: ${STATE_WORDS[bar.state] ?? bar.state}`;
  return [does, of, sinceWords(bar), power, energy, dueWords(bar)].filter(Boolean).join(", ");
}
