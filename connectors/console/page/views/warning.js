// One warning: what it asks and before when, what it rests on, and what people have done with it.
// A move is shown as done only once the worker's own word about it has come.

import { get } from "../api.js";
import { h, refill } from "../dom.js";
import { adviceTag, assetLink, before, card, coded, dim, empty, heldWords, list, pairs } from "../parts.js";
import { exactly, section, table, tag, unlessLeft, when, wide } from "../parts.js";
import { state } from "../store.js";
import {
  driverWords,
  number,
  OUTCOMES,
  percent,
  plain,
  REASONS,
  remaining,
  RUNGS,
  signalWords,
  STATES,
  upper,
  wereItUsual,
} from "../words.js";
import { moveButtons, sentNote } from "./moves.js";

const SLOW_MS = 30000;
const REPRINT_MS = 1000; // a burst of revisions is printed once
const SELF = "forewarn"; // what the machine's own data and rules are called where a person's name would stand

export const view = { title: () => "Warning", draw };

async function draw(page) {
  const path = `/alerts/${encodeURIComponent(page.arg)}`;
  const shown = { found: null, sent: null, timer: null, reprint: null };
  const place = h("div", { class: "stacked" });
  const show = () => {
    page.heading(`${shown.found.now.asset}: ${shown.found.now.headline || "warning"}`);
    refill(place, body(page, shown, sending(shown, show)));
  };
  const ask = async () => {
    const found = await get(path, page.signal);
    if (found.now.revision < (shown.found?.now.revision ?? 0)) return;
    if (shown.sent && isDone(found, shown.sent)) shown.sent = { ...shown.sent, has: "come" };
    shown.found = found;
    show();
  };
  await ask();
  const printed = advisory(page, path);
  refill(page.body, place, printed.whole);
  page.onEnd(() => [shown.timer, shown.reprint].forEach(clearTimeout));
  page.follow((topics) => {
    const isNewer = (state.warnings.get(page.arg)?.revision ?? 0) > shown.found.now.revision;
    if (!topics.has(page.arg) || !isNewer) return;
    ask().catch(unlessLeft(page.wrong));
    clearTimeout(shown.reprint);
    shown.reprint = setTimeout(printed.ask, REPRINT_MS);
  });
}

// What is told after a move: that it is on the log, and after a while that its worker is slow.
const sending =
  (shown, show) =>
  (move, { done, is_news: isNews }) => {
    const sent = { move, done, has: isNews === false ? "nothing new" : "sent", revision: shown.found.now.revision };
    shown.sent = sent;
    clearTimeout(shown.timer);
    shown.timer = setTimeout(() => {
      if (shown.sent !== sent || sent.has !== "sent") return;
      sent.has = "slow";
      show();
    }, SLOW_MS);
    show();
  };

// A newer word of the machine's own data is not what was asked for: a person's is.
const isDone = (found, sent) =>
  found.revisions.some((one) => one.revision > sent.revision && !["", SELF].includes(one.by));

function body(page, shown, sent) {
  const { now, alert, revisions, moves } = shown.found;
  return [
    head(now),
    h("div", { class: "moves-part" }, sentNote(shown.sent), moveButtons(page, shown.found, moves, sent)),
    h("div", { class: "columns" }, asks(now, alert), behind(now, alert)),
    evidence(alert.evidence ?? []),
    h("div", { class: "columns" }, similar(alert.similar ?? []), comments(alert.comments ?? [])),
    history(revisions),
  ];
}

function head(now) {
  return h("p", { class: "tags", "data-alert": now.id, "data-alert-state": now.state },
    now.is_active && adviceTag(now),
    tag(now.is_waiting ? "ended: say what became of it" : (STATES[now.state] ?? now.state), "", !now.is_active && "ok"),
    now.is_active && now.level === "alarm" && tag("level alarm: to be acted upon", "act"),
    assetLink(now.asset),
    dim([now.type, now.site].filter(Boolean).join(" · ")),
  );
}

function asks(now, alert) {
  const is = now.is_active; // what a warning asked that is over, it asks no more
  const by = now.act_before_us;
  return card(
    is ? "What it asks" : "What it was",
    pairs([
      is && ["Asks", upper(plain(now.advice)), by && [", before ", exactly(by), ", ", before(now)]],
      ["Chance in 72 h", percent(now.chance_72h), now.chance_72h !== null && dim(is ? " when told" : " when last told")],
      is && ["Time left", remaining(alert.remaining) || "not known"],
      ["Severity", `${now.severity} of 1000`, alert.is_rated ? dim(" rated by a person") : ""],
      ["Whose", now.assigned || "nobody's"],
      ["Order", now.order || "none"],
      ["Opened", when(now.opened_us)],
      ...(is ? (now.held ?? []) : []).map(heldPair),
      now.outcome && closedPair(now.outcome),
    ]),
  );
}

const heldPair = (held) => [
  upper(heldWords({ ...held, why: "" })),
  held.by === SELF ? [held.why || "by design", ", "] : `by ${held.by || "the plant file"}, `,
  when(held.since_us),
  held.until_us && [", until ", exactly(held.until_us)],
  held.by !== SELF && held.why && `: ${held.why}`,
];

const closedPair = ({ reason, by, time_us: us, mode, found }) => [
  "Closed",
  `${OUTCOMES[reason] ?? reason}, ${by === SELF ? "closed by itself" : `by ${by}`}, `,
  when(us),
  mode && `, mode ${plain(mode)}`,
  found && `: ${found}`,
];

function behind(now, alert) {
  const [modes, drivers] = [alert.modes ?? [], alert.drivers ?? []];
  const lower = (one) => dim(wereItUsual(now.chance_72h, one.drop));
  const basis = [
    `rests on ${RUNGS[now.rung] ?? now.rung}`,
    `${now.confidence} confidence`,
    alert.basis && `from ${alert.basis}`,
    alert.model,
    alert.completeness < 1 && `${percent(alert.completeness)} of the data was there`,
  ];
  return card("What is behind it",
    h("h3", {}, "Drivers"),
    drivers.length ? list(drivers, (one) => [driverWords(one), h("br"), lower(one)]) : empty("No model tells any."),
    h("h3", {}, "Likely failure modes"),
    modes.length
      ? list(modes, (one) => `${plain(one.mode)} ${percent(one.share)}`)
      : empty("No model tells any apart."),
    h("p", { class: "dim" }, basis.filter(Boolean).join(" · ")),
  );
}

function evidence(rows) {
  const value = (one) => (one.unit?.startsWith("chance") ? percent(one.value) : `${number(one.value)} ${unitOf(one)}`);
  const limit = (one) => (one.unit?.startsWith("chance") ? percent(one.limit) : `${number(one.limit)} ${unitOf(one)}`);
  const columns = [
    ["Rung", (one) => RUNGS[one.rung] ?? one.rung, "short"],
    ["Name", (one) => one.name, "text"],
    ["Level", (one) => one.level],
    ["Since", (one) => when(one.since_us), "short"],
    ["Found", value, "num"],
    ["Against", limit, "num"],
    ["Signals", (one) => (one.signals ?? []).map((name) => signalWords(name).words).join(", ")],
    ["Founded on", (one) => one.basis],
    ["Confidence", (one) => one.confidence],
  ];
  return card("Evidence", rows.length ? wide("Evidence", table(columns, rows)) : empty("None holds any more."));
}

const unitOf = (one) => ({ degC: "°C", degc: "°C", "m3/h": "m³/h" })[one.unit] ?? one.unit ?? "";

function similar(rows) {
  const mode = (one) => (one.mode ? ` (${plain(one.mode)})` : "");
  const words = (one) =>
    one.outcome === "failed" ? `failed after ${number(one.lead_h, 0)} h${mode(one)}` : "outlived it";
  const drawn = (one) => [words(one), " ", dim(`distance ${number(one.distance, 2)}`)];
  return card("Similar cases of the past", rows.length ? list(rows, drawn) : empty("No model knows any like it."));
}

function comments(rows) {
  const drawn = (one) => [h("strong", {}, one.by), " ", dim(when(one.time_us)), h("br"), one.text];
  return card("Comments", rows.length ? list(rows, drawn) : empty("Nobody has written any."));
}

function history(rows) {
  const columns = [
    ["Revision", (one) => one.revision],
    ["When", (one) => exactly(one.moved_us), "short"],
    ["Why", (one) => REASONS[one.reason] ?? plain(one.reason)],
    ["State", (one) => STATES[one.state] ?? one.state],
    ["By", (one) => (["", SELF].includes(one.by) ? dim("its data") : one.by)],
    ["Words", (one) => one.why, "text"],
  ];
  return card("What happened to it",
    wide("Revisions", table(columns, [...rows].sort((a, b) => b.revision - a.revision))),
  );
}

// The one-page advisory, as it is printed: each part with its lines and its table.
function advisory(page, path) {
  const part = ({ title, lines, table: rows }) => [
    h("h3", {}, title),
    lines.map((line) => h("p", {}, coded(line))),
    rows && wide(rows.title || title, plainTable(rows)),
  ];
  const drawn = ({ title, parts }) => h("div", {}, h("p", {}, h("strong", {}, title)), parts.map(part));
  return section("Advisory page", () => get(`${path}/page`, page.signal), drawn);
}

const plainTable = ({ title, head, rows }) =>
  table(
    head.map((name, at) => [
      String(name),
      (row) => (row[at] === null ? "–" : typeof row[at] === "number" ? number(row[at]) : row[at]),
    ]),
    rows,
    { caption: title },
  );
