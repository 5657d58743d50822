// Settings that are suggested: what is now and what is proposed, what that would do, and what people answered.
// To accept says that somebody will change the setting; nothing is written to a machine.

import { get, post } from "../api.js";
import { dialog } from "../dialog.js";
import { h, refill } from "../dom.js";
import { assetLink, coded, field, list, pairs, table, tag, unlessLeft, when } from "../parts.js";
import { nowUs, state } from "../store.js";
import { number, plain, signalWords, upper } from "../words.js";

export const view = { title: () => "Suggestions", draw };
const ANSWERING = ["operator", "engineer", "admin"];

async function draw(page) {
  const sent = h("div", { "aria-live": "polite" });
  const place = h("div", { class: "stacked" });
  const ask = async () => {
    const found = await get("/suggestions", page.signal);
    page.is(found.suggestions.length ? "ready" : "empty");
    refill(
      place,
      found.missing && h("p", { class: "card" }, coded(found.missing)),
      found.suggestions.map((one) => suggested(one, (answer) => answering(page, one, answer, sent))),
    );
  };
  refill(page.body, sent, place);
  page.follow((topics) => topics.has("suggestion") && ask().catch(unlessLeft(page.wrong)));
  await ask();
}

const said = (words) => words && `: ${words}`;
const isOpen = (one) => one.state === "open" && one.valid_until_us > nowUs();
// What changes by little is told so that it is seen.
const fine = (value) =>
  Math.abs(value) >= 100 ? number(value) : value.toLocaleString(undefined, { maximumSignificantDigits: 3 });
const valued = (value, unit) => `${fine(value)}${unit && ` ${unit.replace("deg", "°")}`}`;

function suggested(one, answer) {
  const { words } = signalWords(one.parameter);
  const may = isOpen(one) && ANSWERING.includes(state.me.role);
  return h(
    "section",
    { class: "card suggestion", "data-suggestion": one.id, "data-suggestion-state": one.state },
    h("div", { class: "card-head" }, h("h2", {}, `${upper(words)} of `, assetLink(one.asset, one.id)), stateTag(one)),
    h(
      "p",
      { class: "change" },
      ["now ", h("span", { class: "big" }, valued(one.now, one.unit))],
      [" → proposed ", h("span", { class: "big" }, valued(one.proposed, one.unit))],
    ),
    one.expected.length > 0 && expected(one.expected),
    pairs([
      ["Why", coded(one.why)],
      one.rails.length > 0 && ["Limits that bind it", list(one.rails, coded)],
      ["Holds until", when(one.valid_until_us, { exact: true })],
      ["To revert", coded(one.revert)],
      one.assumed.length > 0 && ["Rests on", list(one.assumed, coded)],
      one.answered_us !== null && [upper(one.state), `by ${one.by} `, when(one.answered_us), said(one.answer_why)],
    ]),
    may &&
      h(
        "div",
        { class: "moves", role: "group", "aria-label": "Answer" },
        Object.entries(ANSWERS).map(([name, { label, main }]) => {
          const props = { type: "button", "data-move": `${name} ${one.id}`, class: main, onclick: () => answer(name) };
          return h("button", props, label);
        }),
      ),
  );
}

function stateTag(one) {
  if (one.state === "open" && !isOpen(one)) return tag("its time is over");
  const signs = { open: ["plan", "plan"], accepted: ["", "ok"], rejected: ["", "cut"] };
  const [tone, sign] = signs[one.state] ?? ["", null];
  return tag(plain(one.state), tone, sign);
}

const expected = (found) =>
  table(
    [
      ["Expected", (it) => upper(plain(it.figure))],
      ["Before", (it) => valued(it.before, it.unit), "num"],
      ["After", (it) => valued(it.after, it.unit), "num"],
      ["80 % between", (it) => `${fine(it.after_low)} and ${fine(it.after_high)}`, "short"],
    ],
    found,
  );

const why = (label, required) =>
  field("move-why", label, h("textarea", { name: "why", required, maxlength: 2000 }));
const ANSWERS = {
  accept: {
    label: "Accept",
    main: "main",
    ask: () => [h("p", {}, "You, or somebody for you, will change the setting. Nothing is written to the machine."),
      why("Words, if any", false)],
  },
  reject: { label: "Reject", main: null, ask: () => [why("Why (who makes suggestions learns from it)", true)] },
};

function answering(page, one, answer, sent) {
  const { label, ask } = ANSWERS[answer];
  const submit = async (values) => {
    const { done } = await post(`/suggestions/${encodeURIComponent(one.id)}/answer`, { answer, why: values.why });
    refill(sent, h("div", { class: "sent", role: "status" }, done.map((line) => h("p", {}, coded(line)))));
  };
  const title = `${label}: ${signalWords(one.parameter).words} of ${one.asset}`;
  page.onEnd(dialog({ title, fields: ask(), yes: label, submit, name: `${answer} ${one.id}` }));
}
