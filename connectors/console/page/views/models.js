// Releases of models and who serves: what is champion and shadow, how both compare, and moves for whoever may.
// A move is of the whole fleet, so it always asks why.

import { get, post } from "../api.js";
import { dialog } from "../dialog.js";
import { h, refill } from "../dom.js";
import { icon } from "../icons.js";
import { card, coded, dim, empty, failed, loading, sentLines, table, tag, unlessLeft, when } from "../parts.js";
import { state } from "../store.js";
import { many } from "../words.js";
import { comparison } from "./compared.js";
import { text } from "./moves.js";

export const view = { title: () => "Models", draw };

async function draw(page) {
  const said = h("div", { "aria-live": "polite" });
  const place = h("div", { class: "stacked" });
  const compared = h("div", {});
  const ask = async () => {
    const found = await get("/models/releases", page.signal);
    page.is(found.releases.length || found.in_folder?.length ? "ready" : "empty");
    refill(place, drawn(found, { done, page, compare: (name) => compare(page, compared, name) }));
  };
  const done = async (answer) => {
    const note = "It is on the log; workers do the rest. This list changes when they have.";
    refill(said, sentLines([...answer.done, note]));
    await ask();
  };
  refill(page.body, said, place, compared);
  await ask();
  page.follow((topics) => topics.has("models") && ask().catch(unlessLeft(page.wrong)));
}

function drawn({ releases, appointed, in_folder: inFolder = [] }, act) {
  const offices = Object.entries(appointed);
  const files = (inFolder ?? []).filter((one) => !isHeld(one, offices));
  if (!releases.length && !offices.length && !files.length)
    return empty(
      "No model has been offered yet: warnings rest on rules, limits and health. `forewarn model publish` offers one.",
    );
  const names = [...new Set([...releases, ...offices.map(([, one]) => one)].map((one) => one.name).filter(Boolean))];
  return [
    card("Offices",
      offices.length ? officeTable(offices) : !files.length && empty("No model holds an office."),
      files.map((one) => h("p", { "data-folder": one.name }, folderWords(one))),
    ),
    names.map((name) =>
      named(
        name,
        releases.filter((one) => one.name === name),
        offices.map(([, one]) => one).filter((one) => one.name === name),
        act,
      ),
    ),
  ];
}

// A release that is champion of all its types leaves the folder's file nothing to score.
const isHeld = ({ name, types }, offices) => {
  const held = offices.map(([, one]) => one).filter((one) => one.role === "champion" && one.version);
  const isOf = (type) => held.some((one) => (one.asset_type ? one.asset_type === type : one.name === name));
  return types?.length ? types.every(isOf) : held.some((one) => one.name === name);
};

const folderWords = ({ name, version, types }) => [
  h("strong", {}, name),
  `: types ${(types ?? []).join(", ") || "of no machine"} are scored by the folder's file `,
  h("code", {}, version),
  ", no release yet",
];

function officeTable(offices) {
  const columns = [
    ["Office", ([office]) => office],
    ["Asset type", ([, one]) => one.asset_type || "–"],
    ["Version", ([, one]) => (one.version ? h("code", {}, one.version) : (NOBODY[one.role] ?? "none"))],
    ["Since", ([, one]) => when(one.time_us), "short"],
    ["Before it", ([, one]) => (one.before ? h("code", {}, one.before) : "–")],
    ["Cause", ([, one]) => one.cause || "–"],
    ["By", ([, one]) => one.by || "–"],
    ["Why", ([, one]) => one.why || "–", "text"],
  ];
  return table(columns, offices);
}

// A champion without a version is the file of that name in the models' folder.
const NOBODY = { champion: "the file in the models' folder", shadow: "none", pin: "none" };
const NOT_PROMOTED = new Set(["champion", "refused", "withdrawn"]);

const TONES = { champion: ["ok", ""], refused: ["act", "act"], shadow: ["watch", "watch"] };

function named(name, releases, offices, act) {
  const columns = [
    ["Version", (one) => h("code", {}, one.version), "short"],
    ["State", (one) => tag(one.state, TONES[one.state]?.[1] ?? "", TONES[one.state]?.[0])],
    ["Kind", (one) => one.kind],
    ["Made", (one) => when(one.made_us), "short"],
    ["Licence", (one) => one.licence || "–"],
    ["Signed by", (one) => one.signed_by.join(", ") || "nobody"],
    ["What is wrong", wrongOf, "text"],
    ["Move", (one) => promoted(one, act)],
  ];
  const list = releases.length ? table(columns, releases) : empty("Nothing has been published under this name.");
  return card(name, list, ofName(name, releases, offices, act));
}

function promoted({ version, state: is }, act) {
  if (!state.me.may?.models || NOT_PROMOTED.has(is)) return null;
  return moved("promote", `Promote ${version}`, "Promote", (why) => post("/models/promote", { version, why }), act);
}

function ofName(name, releases, offices, act) {
  const isOffice = (role) => offices.some((one) => one.role === role && one.version);
  const has = (role) => isOffice(role) || releases.some((one) => one.state === role);
  const may = state.me.may?.models;
  const send = (what) => (why) => post(`/models/names/${encodeURIComponent(name)}/${what}`, { why });
  const compared = h("button", { "data-move": `compare ${name}`, onclick: () => act.compare(name) },
    "Compare champion with shadow",
  );
  return h("div", { class: "moves" },
    has("champion") && has("shadow") && compared,
    may && has("champion") && moved("rollback", `Roll ${name} back`, "Roll back", send("rollback"), act),
    may && has("shadow") && moved("end-shadow", `End the shadow of ${name}`, "End shadow", send("end-shadow"), act),
  );
}

function wrongOf(one) {
  const away = one.not_loaded.length
    ? `not loaded on ${many(one.not_loaded.length, "partition")} (${one.not_loaded.join(", ")})`
    : "";
  if (!one.refused && !away) return dim("nothing");
  return [
    icon(one.refused ? "act" : "plan", one.refused ? "act" : "plan"),
    " ",
    coded([one.refused, away].filter(Boolean).join("; ")),
  ];
}

function moved(move, title, label, send, { done, page }) {
  const submit = async ({ why }) => done(await send(why));
  const open = () => {
    const fields = text("why", "Why", { required: true, maxlength: 1000 });
    page.onEnd(dialog({ title, yes: label, name: move, fields, submit }));
  };
  return h("button", { "data-move": move, "data-key": title, onclick: open }, label);
}

async function compare(page, place, name) {
  const show = (...body) => refill(place, card(`Champion and shadow of ${name}`, body));
  show(loading("the comparison; it runs both over the past, which takes a while"));
  place.scrollIntoView({ block: "nearest" });
  try {
    show(comparison(await get(`/models/names/${encodeURIComponent(name)}/compare`, page.signal)));
    place.scrollIntoView({ block: "start" });
  } catch (error) {
    unlessLeft(() => show(failed(error, () => compare(page, place, name))))(error);
  }
}
