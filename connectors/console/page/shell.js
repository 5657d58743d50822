// The frame around every view: navigation, who is signed in, and whether what is shown is live.
// It is drawn anew when counts move; the view is not.

import { byId, h, refill } from "./dom.js";
import { icon } from "./icons.js";
import { retry } from "./live.js";
import { age } from "./parts.js";
import { nowUs, openWarnings, state } from "./store.js";
import { fromNow, utc } from "./words.js";

const VIEWS = [
  ["#/", "Overview"],
  ["#/warnings", "Warnings", () => openWarnings().length, "open"],
  ["#/kpis", "Week"],
  ["#/value", "Value"],
  ["#/suggestions", "Suggestions"],
  ["#/plans", "Plans"],
  ["#/models", "Models", null, "", () => state.me?.may?.whole_plant],
  [
    "#/ledger",
    "Ledger",
    () => (state.ledger && !state.ledger.balances ? 1 : 0),
    "off balance",
    () => state.me?.may?.whole_plant,
  ],
  ["#/audit", "Audit", null, "", () => state.me?.may?.audit],
  ["#/api", "API"],
];

export function drawShell(signOut) {
  byId("plant").textContent = state.me ? state.plant || state.me.plant || "" : "";
  byId("nav").hidden = !state.me;
  byId("live").hidden = !state.me;
  refill(byId("nav"), state.me && h("ul", {}, VIEWS.filter(([, , , , may]) => !may || may()).map(item)));
  refill(byId("who"), state.me && who(state.me, signOut));
  marked();
  indicator();
}

function item([href, words, count, what]) {
  const found = count ? count() : 0;
  return h(
    "li",
    {},
    h(
      "a",
      { href },
      words,
      found > 0 &&
        h("span", { class: "count", title: `${found} ${what}` }, found, h("span", { class: "unseen" }, ` ${what}`)),
    ),
  );
}

function who(me, signOut) {
  const sites = me.sites === null ? "all sites" : me.sites.length ? `sites ${me.sites.join(", ")}` : "no site";
  return [
    h(
      "span",
      { class: "who-words", title: `Forewarn ${me.version}` },
      h("strong", {}, me.name),
      ` ${me.role}, ${sites}`,
    ),
    h("button", { type: "button", class: "quiet", id: "sign-out", onclick: signOut }, "Sign out"),
  ];
}

// Marks where we are in the navigation.
function marked() {
  const here = `#/${location.hash.replace(/^#\/?/, "").split(/[/?]/)[0]}`.replace("#/assets", "#/");
  for (const link of byId("nav").querySelectorAll("a")) {
    if (link.getAttribute("href") === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

let words = "";

export function titled(heading) {
  words = heading;
  title();
  marked();
}

export function title() {
  const open = state.me ? openWarnings().length : 0;
  document.title = `${open ? `(${open}) ` : ""}${words ? `${words} · ` : ""}Forewarn`;
}

const SIGNS = { live: ["live", "Live"], waiting: ["waiting", "Reconnecting"], off: ["cut", "Offline"] };

// A stream that is open while the service cannot hear Kafka is not live.
function standing() {
  const { is, heardMs, why } = state.live;
  if (is !== "live") {
    const said = is === "waiting" && !heardMs ? "Connecting" : SIGNS[is][1];
    return { is, why, said, old: heardMs ? `shown is ${age(heardMs)} old` : "nothing loaded yet" };
  }
  const newest = state.asOfUs ? `newest data ${utc(state.asOfUs)}` : "";
  if (!state.isFollowing) return { is: "waiting", why: newest, said: "Kafka does not answer", old: dataAge() };
  return { is, why: newest, said: SIGNS[is][1], old: dataAge() };
}

export function indicator() {
  const place = byId("live");
  const { is, why, said, old } = standing();
  const text = `${said}, ${old}`;
  if (place.dataset.text === text && place.dataset.live === is) return;
  Object.assign(place.dataset, { live: is, text });
  place.title = why;
  const again = h("button", { type: "button", class: "quiet", onclick: retry, "data-key": "retry" }, "Retry now");
  const told = [h("strong", {}, said), h("span", { class: "live-age" }, old)];
  refill(place, icon(SIGNS[is][0]), told, state.live.is !== "live" && state.me && again);
}

const dataAge = () => (state.asOfUs ? `data of ${fromNow(state.asOfUs, nowUs())}` : "no data yet");
