// The frame around every view: navigation, who is signed in, and whether what is shown is live.
// It is drawn anew when counts move; the view is not.

import { byId, h, refill } from "./dom.js";
import { icon } from "./icons.js";
import { retry } from "./live.js";
import { nowUs, openWarnings, state } from "./store.js";
import { clock, span, utc } from "./words.js";

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
  return h("li", {},
    h("a", { href },
      words,
      found > 0 &&
        h("span", { class: "count", title: `${found} ${what}` }, found, h("span", { class: "unseen" }, ` ${what}`)),
    ),
  );
}

function who(me, signOut) {
  const sites = me.sites === null ? "all sites" : me.sites.length ? `sites ${me.sites.join(", ")}` : "no site";
  return [
    h("span", { class: "who-words", title: `Forewarn ${me.version}` },
      h("strong", {}, me.name),
      ` ${me.role}, ${sites}`,
    ),
    h("button", { class: "quiet", id: "sign-out", onclick: signOut }, "Sign out"),
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

const SIGNS = {
  live: ["live", "Live"],
  first: ["waiting", "Connecting"],
  waiting: ["waiting", "Reconnecting"],
  off: ["cut", "Offline"],
};
const OTHER_US = 3600e6; // a plant so far behind the reader's clock shows its own

// A stream that is open while the service cannot hear Kafka is not live.
function standing() {
  const { is, heardMs, why } = state.live;
  if (is !== "live" && !heardMs && !why) return { is: "first", why, said: SIGNS.first[1], old: "" };
  if (is !== "live") {
    const said = is === "waiting" && !heardMs ? "Connecting" : SIGNS[is][1];
    return { is, why, said, old: heardMs ? `shown is ${agoS(heardMs)} old` : "nothing loaded yet" };
  }
  const newest = state.asOfUs ? `newest data ${utc(state.asOfUs)}` : "";
  if (!state.isFollowing) return { is: "waiting", why: newest, said: "Kafka does not answer", old: dataAge() };
  return { is, why: newest, said: SIGNS[is][1], old: dataAge() };
}

export function indicator() {
  const place = byId("live");
  const { is, why, said, old } = standing();
  const text = old ? `${said}, ${old}` : said;
  if (place.dataset.text === text && place.dataset.live === is) return;
  Object.assign(place.dataset, { live: is, text });
  place.title = why;
  const again = h("button", { class: "quiet", onclick: retry, "data-key": "retry" }, "Retry now");
  const told = [h("strong", {}, said), h("span", { class: "live-age" }, old)];
  const isCut = is !== "first" && state.live.is !== "live";
  refill(place, icon(SIGNS[is][0]), told, isCut && state.me && again);
}

const agoS = (ms) => span((Date.now() - ms) / 1000);

// How long ago anything last came: a plant that is replayed and stopped would else be of this moment at each reload.
function dataAge() {
  if (!state.asOfUs) return "no data yet";
  const silentS = state.toldMs === null ? 0 : (Date.now() - state.toldMs) / 1000;
  const oldS = Math.max((nowUs() - state.asOfUs) / 1e6, silentS);
  const isOther = Date.now() * 1000 - state.asOfUs > OTHER_US;
  return `${isOther ? `plant's clock ${clock(nowUs())}, ` : ""}data of ${oldS < 5 ? "now" : `${span(oldS)} ago`}`;
}
