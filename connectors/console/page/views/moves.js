// What people do with a warning: a button a move that they may make now, each with a dialog that asks what it needs.
// A move is put on the log; whether it took is what the worker says, and nothing here runs ahead of that.

import { post } from "../api.js";
import { h } from "../dom.js";
import { dialog } from "../dialog.js";
import { choice, coded, field } from "../parts.js";
import { nowUs, state } from "../store.js";
import { clock, OUTCOMES, plain } from "../words.js";

const HOUR_US = 3600e6;
const LONGEST_US = 31 * 24 * HOUR_US;

export const text = (name, label, more = {}) =>
  field(`move-${name}`, label, h("input", { name, autocomplete: "off", maxlength: 200, ...more }));
export const words = (label, required = true) =>
  field("move-why", label, h("textarea", { name: "why", required, maxlength: 2000 }));

const SPANS = [["1", "1 hour"], ["8", "8 hours"], ["24", "1 day"], ["168", "7 days"], ["until", "until a time"]];

// As a field of the browser wants it: the reader's own time, to the minute.
function local(us) {
  const date = new Date(us / 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

function shelving() {
  const until = text("until", "Until (your time)", { type: "datetime-local", value: local(nowUs() + 8 * HOUR_US) });
  until.hidden = true;
  const span = choice(SPANS, "8", (value) => {
    until.hidden = value !== "until";
    until.querySelector("input").required = value === "until";
  });
  span.name = "span";
  return [field("move-span", "For", span), until, words("Why (who reads it must know when to look again)")];
}

function shelved(values) {
  const until =
    values.span === "until" ? new Date(values.until).getTime() * 1000 : nowUs() + Number(values.span) * HOUR_US;
  if (!(until > nowUs())) 
    throw new Error(`Until when? A time to come by the plant's clock, which says ${clock(nowUs())}.`);
  if (until > nowUs() + LONGEST_US)
    throw new Error("At most 31 days by the plant's clock: shelve it again then, or close it.");
  return { why: values.why, until_us: Math.round(until) };
}

function closing({ alert }) {
  const modes = [
    ...new Set([...(alert.modes ?? []).map((one) => one.mode), ...(alert.evidence ?? []).map((one) => one.mode)]),
  ].filter((mode) => mode && mode !== "any");
  const outcome = choice([["", "choose what became of it"], ...Object.entries(OUTCOMES)], "", () => {});
  Object.assign(outcome, { name: "outcome", required: true });
  return [
    field("move-outcome", "What became of it", outcome),
    text("mode", "Failure mode, if known", { list: "move-modes" }),
    h("datalist", { id: "move-modes" }, modes.map((mode) => h("option", { value: mode }, plain(mode)))),
    text("found", "What was found", { maxlength: 2000 }),
    words("Why, if it needs words", false),
    h("p", { class: "dim" }, "This is what a model learns from."),
  ];
}

// Words on the button, what is asked, and what is sent of the answers.
const MOVES = {
  acknowledge: {
    label: "Acknowledge",
    ask: () => [h("p", {}, "You take note of it. It stays open."), words("Words, if any", false)],
  },
  assign: {
    label: "Assign",
    ask: ({ now }) => [text("to", "To whom", { required: true, value: now.assigned || state.me.name })],
  },
  shelve: { label: "Shelve", ask: shelving, send: shelved },
  unshelve: {
    label: "Unshelve",
    ask: () => [h("p", {}, "It is shown among the open ones again."), words("Words, if any", false)],
  },
  comment: { label: "Comment", ask: () => [words("Comment")] },
  rate: {
    label: "Rate",
    ask: ({ now }) => [
      text("severity", "Severity, 1 to 1000",
        { type: "number", min: 1, max: 1000, step: 1, required: true, value: now.severity }),
      words("Why", false),
    ],
    send: (values) => ({ why: values.why, severity: Number(values.severity) }),
  },
  order: {
    label: "Order",
    ask: ({ now }) => [text("order", "Number in the maintenance system", { required: true, value: now.order })],
  },
  close: { label: "Close", ask: closing },
  "take-out-of-service": {
    label: "Take out of service",
    ask: () => [h("p", {}, "Its warnings are held back until it is returned to service."), words("Why")],
  },
  "return-to-service": { label: "Return to service", ask: () => [words("Words, if any", false)] },
  withdraw: {
    label: "Withdraw",
    ask: () => [h("p", {}, "It should never have been raised. Nobody learns from it."), words("Why")],
  },
};

export function moveButtons(page, found, moves, sent) {
  if (!moves.length)
    return h("p", { class: "dim" },
      state.me.moves?.length
        ? "There is nothing to be done with it now."
        : `A ${state.me.role} may look at it, but not move it.`,
    );
  const known = Object.keys(MOVES).filter((move) => moves.includes(move));
  return h("div", { class: "moves", role: "group", "aria-label": "Moves" },
    known.map((move) => h("button",
      { "data-move": move, class: move === "acknowledge" && "main", onclick: () => ask(page, found, move, sent) },
      MOVES[move].label)),
  );
}

function ask(page, found, move, sent) {
  const { label, ask: fields, send } = MOVES[move];
  const path = `/alerts/${encodeURIComponent(found.now.id)}/actions`;
  const submit = async (values) => sent(move, await post(path, { move, ...(send ? send(values) : values) }));
  page.onEnd(dialog({ title: `${label}: ${found.now.asset}`, fields: fields(found), yes: label, submit, name: move }));
}

const SAID = {
  sent: "on the log; its worker does the rest. What is shown changes when the worker has said so.",
  slow: "on the log, but its worker has said nothing for 30 s. It is done once the worker runs: do not send it again.",
  come: "the worker has done it.",
  "nothing new": "nothing was to be done.",
};

export function sentNote(sent) {
  if (!sent) return null;
  return h(
    "div",
    {
      class: sent.has === "slow" ? "note" : "sent",
      role: "status",
      "data-sent": sent.has === "come" ? "done" : sent.has,
    },
    h("p", {},
      h("strong", {}, MOVES[sent.move].label),
      ": ",
      coded(sent.has === "nothing new" && sent.done.length ? sent.done.join(" ") : SAID[sent.has]),
    ),
  );
}
