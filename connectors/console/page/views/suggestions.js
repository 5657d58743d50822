// Settings that are suggested: what is now and what is proposed, what that would do, what people answered and what came
// of it. To accept says that somebody will change the setting; nothing is written to a machine.

import { get, post } from "../api.js";
import { dialog } from "../dialog.js";
import { h, refill } from "../dom.js";
import { assetLink, card, coded, dim, exactly, list, pairs, sentLines, table, tag } from "../parts.js";
import { unlessLeft, when } from "../parts.js";
import { nowUs, state } from "../store.js";
import { many, number, plain, signalWords, upper } from "../words.js";
import { text, words as why } from "./moves.js";

export const view = { title: () => "Suggestions", draw };
const ANSWERING = ["operator", "engineer", "admin"];

async function draw(page) {
  const sent = h("div", { "aria-live": "polite" });
  const place = h("div", { class: "stacked" });
  const ask = async () => {
    const { suggestions, trials, refused, missing } = await get("/suggestions", page.signal);
    page.is(suggestions.length ? "ready" : "empty");
    refill(place,
      missing && h("p", { class: "card" }, coded(missing)),
      suggestions.map((one) => suggested(one, (answer) => answering(page, one, answer, sent))),
      trials.length > 0 && card("Trials that are asked for: too much for a suggestion", trials.map(tried)),
      refused.length > 0 && card("What limits did not let pass, the last of each machine", list(refused, notPassed)),
    );
  };
  refill(page.body, sent, place);
  page.follow((topics) => topics.has("suggestion") && ask().catch(unlessLeft(page.wrong)));
  await ask();
}

const said = (words) => words && `: ${words}`;
const isOpen = (one) => one.state === "open" && one.valid_until_us > nowUs();
const settings = (one) => [one, ...one.also];
const wordsOf = ({ parameter }) => signalWords(parameter).words;
const namesOf = (all) => all.map(wordsOf).join(", ");
// What changes by little is told so that it is seen; a rate is a share.
const fine = (value) =>
  Math.abs(value) >= 100 ? number(value) : value.toLocaleString(undefined, { maximumSignificantDigits: 3 });
const valued = (value, unit) =>
  unit === "1" ? `${fine(100 * value)} %` : `${fine(value)}${unit && ` ${unit.replace("deg", "°")}`}`;
const between = (...ends) => {
  const unit = ends.pop() === "1" ? "1" : "";
  return ends.map((end) => valued(end, unit)).join(" and ");
};
const exact = (value) => value.toLocaleString(undefined, { maximumSignificantDigits: 10 });
const moves = (all) =>
  all.map((it) => `${wordsOf(it)} ${exact(it.proposed)} ${it.unit} (now ${exact(it.now)})`).join(", ");

const some = (title, rows, draw) => rows.length > 0 && [title, list(rows, draw)];
const toldOf = (one) => [
  ["Why", coded(one.why)],
  one.product && ["For", `${one.product}, by model ${one.model}`],
  some("Limits that bind it", one.rails, coded),
  one.revalidate && ["To test anew", coded(one.revalidate)],
  ["To revert", coded(one.revert)],
];

function suggested(one, answer) {
  const all = settings(one);
  const may = isOpen(one) && ANSWERING.includes(state.me.role);
  const big = (value, unit) => h("span", { class: "big" }, one.model ? `${exact(value)} ${unit}` : valued(value, unit));
  return h("section", { class: "card suggestion", "data-suggestion": one.id, "data-suggestion-state": one.state },
    h("div", { class: "card-head" },
      h("h2", {}, `${upper(namesOf(all))} of `, assetLink(one.asset, one.id)), stateTag(one)),
    all.map((it) =>
      h("p", { class: "change" }, [all.length > 1 && `${wordsOf(it)}: `, "now ", big(it.now, it.unit)],
        [" → proposed ", big(it.proposed, it.unit)]),
    ),
    one.expected.length > 0 && expected(one.expected),
    pairs([
      ...toldOf(one),
      ["Holds until", exactly(one.valid_until_us)],
      some("Rests on", one.assumed, coded),
      one.model && ["Approved", `by ${one.approved.length} of ${one.approvals}${said(one.approved.join(", "))}`],
      one.model && some("Answers", one.answers, answerWords),
      some("Not let through", one.refused, notPassed),
      one.answered_us !== null && [upper(one.state), `by ${one.by} `, when(one.answered_us), said(one.answer_why)],
      one.ended && ["Ended", coded(one.ended)],
    ]),
    one.effect && effect(one.effect),
    may &&
      h("div", { class: "moves", role: "group", "aria-label": "Answer" },
        Object.entries(ANSWERS).map(([name, { label, main, send }]) => (one.model || !send) &&
          h("button", { "data-move": `${name} ${one.id}`, class: main, onclick: () => answer(name) }, label))),
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
      ["Before", (it) => [valued(it.before, it.unit),
        it.before_low !== null && dim(` (${between(it.before_low, it.before_high, it.unit)})`)], "num"],
      ["After", (it) => valued(it.after, it.unit), "num"],
      ["80 % between", (it) => between(it.after_low, it.after_high, it.unit), "short"],
    ],
    found,
  );

const answerWords = (it) => [
  `${it.by} ${it.answer} it `, when(it.time_us), said(it.why),
  Object.entries(it.values).map(([name, value]) => `; ${wordsOf({ parameter: name })} ${exact(value)}`),
];

const notPassed = (it) => [
  it.by ? `${it.by}, ` : [assetLink(it.asset), `, ${it.product}, `],
  `${moves(it.settings)}: ${plain(it.rail)}, `, coded(it.detail), ", ", when(it.time_us),
];

const VERDICTS = {
  "not-yet": (it) => `Too few parts to say: ${number(it.least_parts)} of each would show what was promised`,
  delivers: () => "It delivers: parts are better than before",
  harms: () => "It harms: parts are worse than before",
  futile: () => "It did not show what it promised",
};

const effect = (it) =>
  h("div", { "data-verdict": it.verdict },
    table(
      [
        ["Measured", ([name]) => name],
        ["Parts", ([, arm]) => number(arm.parts), "num"],
        ["Defective", ([, arm]) => number(arm.defects), "num"],
        ["Rate", ([, arm]) => valued(arm.rate, "1"), "num"],
        ["95 % between", ([, arm]) => between(arm.low, arm.high, "1"), "short"],
      ],
      [["As before", it.before], ["As now", it.after]],
      { caption: `${VERDICTS[it.verdict](it)}; the change is between ${between(it.change_low, it.change_high, "1")}.` },
    ),
    it.figures.length > 0 && expected(it.figures));

const tried = (it) => [
  h("h3", {}, assetLink(it.asset), `: ${moves(it.settings)}`),
  expected(it.expected),
  pairs([...toldOf(it), ["Takes", `${many(it.parts, "part")} at each setting`], ["Asked for", when(it.made_us)]]),
];

const wish = ({ parameter, unit, proposed }) =>
  text(`set-${parameter}`, `${upper(wordsOf({ parameter }))}, ${unit}`,
    { type: "number", step: "any", required: true, value: proposed });

const ANSWERS = {
  accept: {
    label: "Accept",
    main: "main",
    ask: () => [h("p", {}, "You, or somebody for you, will change the setting. Nothing is written to the machine."),
      why("Words, if any", false)],
  },
  reject: { label: "Reject", ask: () => [why("Why (who makes suggestions learns from it)")] },
  modify: {
    label: "Modify",
    ask: (one) => [h("p", {}, "You ask for other values. Limits hold for them, too: it stays open until they passed."),
      settings(one).map(wish), why("Words, if any", false)],
    send: (one, sent) => Object.fromEntries(settings(one).map(({ parameter: name }) => [name, +sent[`set-${name}`]])),
  },
};

function answering(page, one, answer, sent) {
  const { label, ask, send } = ANSWERS[answer];
  const submit = async (given) => {
    const body = { answer, why: given.why, values: send?.(one, given) ?? {} };
    refill(sent, sentLines((await post(`/suggestions/${encodeURIComponent(one.id)}/answer`, body)).done));
  };
  const title = `${label}: ${namesOf(settings(one))} of ${one.asset}`;
  page.onEnd(dialog({ title, fields: ask(one), yes: label, submit, name: `${answer} ${one.id}` }));
}
