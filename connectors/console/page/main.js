// Where the page starts: who asks, which view the address names, and what is told when things move.
// Views draw themselves; nothing here knows what is in them.

import * as api from "./api.js";
import { byId, h } from "./dom.js";
import * as live from "./live.js";
import * as oidc from "./oidc.js";
import { ticking } from "./parts.js";
import { greeted, leave, route } from "./router.js";
import { drawShell, indicator, title } from "./shell.js";
import { signIn } from "./signin.js";
import { cleared, follow, hold, state } from "./store.js";
import { drawWorst } from "./worst.js";

const say = (words) => {
  const region = byId("say");
  // A burst of new warnings is one sentence and a count, not a minute of speech.
  if (region.childElementCount >= 3) region.replaceChildren();
  region.append(h("p", {}, words));
};

async function start() {
  if (!api.key()) return signedOut("");
  try {
    state.me = await api.get("/me");
  } catch (error) {
    if (error.status !== 401) asked(error);
    return undefined;
  }
  document.body.classList.add("signed-in");
  byId("worst").hidden = false;
  drawShell(signOut);
  drawWorst();
  live.start(say);
  return route();
}

// A token says what is wrong with it; of a key there is one thing to look at.
function refused(why) {
  if (!api.key() || api.key().split(".").length === 3) return new api.ApiError(401, why, "Sign in again.");
  return state.me
    ? new api.ApiError(401, "This key is known here no more.", "Ask for another.")
    : new api.ApiError(401, "This key is not known here.", "Check that you copied all of it.");
}

function asked(error) {
  greeted();
  signIn(error, start);
}

function signedOut(why) {
  const error = why ? refused(why) : null;
  api.forget();
  oidc.stop();
  live.stop();
  leave();
  cleared();
  document.body.classList.remove("signed-in");
  byId("worst").hidden = true;
  drawShell(signOut);
  asked(error);
}

const signOut = () => signedOut("");

follow((topics) => {
  if (topics.has("live")) indicator();
  if (!state.me) return;
  if (topics.has("assets") || topics.has("warnings") || !state.loaded) drawWorst();
  if (topics.has("ledger") || topics.has("warnings")) {
    drawShell(signOut);
    title();
  }
});

byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address is the view's: #view would be a route
  byId("view").focus();
});

api.signedOut(signedOut);
window.addEventListener("hashchange", () => {
  if (api.takeFragment()) start();
  else if (state.me) route();
});
window.addEventListener("pointerdown", () => hold(true));
for (const name of ["pointerup", "pointercancel", "blur"]) window.addEventListener(name, () => hold(false));
setInterval(indicator, 1000);
ticking();
api.takeFragment();
oidc.back().then(start, (wrong) => signedOut(wrong.message));
