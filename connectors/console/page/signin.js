// The view of nobody: a field for a key or token. The key goes to this tab's session storage, and from there into a
// header; no form is ever sent.

import { ApiError, keep } from "./api.js";
import { byId, h } from "./dom.js";
import { go, places } from "./oidc.js";
import { coded, failed, field } from "./parts.js";
import { titled } from "./shell.js";

const SECRET = { type: "password", autocomplete: "off", spellcheck: "false", required: true };
const HELP = [
  "A key that `forewarn api key` made, or a token of your identity provider.",
  "It is kept in this tab only, until you close it or sign out.",
].join(" ");

export function signIn(error, start) {
  const main = byId("view");
  const input = h("input", { ...SECRET, "aria-describedby": "key-help" });
  const enter = (event) => {
    event.preventDefault();
    const value = input.value.trim().replace(/^Bearer\s+/i, "");
    if (!value) return input.focus();
    keep(value);
    return start();
  };
  main.dataset.view = "sign-in";
  main.dataset.state = error ? "error" : "ready";
  main.replaceChildren(
    h("h1", { tabindex: -1 }, "Sign in"),
    h("form", { class: "card sign-in", onsubmit: enter },
      error && failed(error, error.status === 0 || error.status >= 429 ? start : null),
      field("key", "Key or token", input),
      h("p", { class: "dim", id: "key-help" }, coded(HELP)),
      h("button", { type: "submit", id: "sign-in", class: "main" }, "Sign in"),
    ),
  );
  titled("Sign in");
  input.focus();
  const offer = (...what) => main.dataset.view === "sign-in" && main.querySelector("form").before(card(what));
  places().then(
    (found) => found && offer(there(found)),
    (wrong) => offer(wrong instanceof ApiError ? wrong.message : "Whether people can sign in elsewhere is not known."),
  );
}

const card = (what) => h("p", { class: "card sign-in" }, what);

// Where the plant has an identity provider, people need no key.
function there(found) {
  const props = { class: "main", id: "sign-in-there", onclick: () => go(found) };
  return h("button", props, `Sign in at ${new URL(found.issuer).hostname}`);
}
