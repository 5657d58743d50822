// Signing in at the plant's identity provider, by OpenID Connect's code flow with PKCE: there, back with a code, and
// the code changed for a token, which is then the key. What is known in between lies in this tab's session storage.

import { ApiError, keep } from "./api.js";

const AWAY = "forewarn.sign-in";
const AGAIN = "forewarn.refresh";
const EARLY_S = 60;
const LONGEST_MS = 2 ** 31 - 1; // a timer knows no more

let refreshing = 0;

// Where to sign in; null where keys alone are taken. Throws where that is not known now, or cannot be done here.
export async function places() {
  const answer = await fetch("/api/v1/sign-in", { cache: "no-store" });
  const found = await answer.json();
  if (!answer.ok) throw new ApiError(answer.status, found.detail);
  if (!found.authorize) return null;
  if (!globalThis.crypto?.subtle) {
    throw new ApiError(0, "Signing in at the identity provider needs this page over https.");
  }
  return found;
}

export async function go(found) {
  const verifier = random();
  const state = random();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const away = { verifier, state, token: found.token, client: found.client, hash: location.hash };
  sessionStorage.setItem(AWAY, JSON.stringify(away));
  const asked = new URLSearchParams({
    response_type: "code",
    client_id: found.client,
    redirect_uri: here(),
    scope: found.scope,
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
  location.assign(`${found.authorize}${found.authorize.includes("?") ? "&" : "?"}${asked}`);
}

// Whoever comes back: takes the code out of the address at once, and changes it for a token. Throws what went wrong.
export async function back() {
  const said = new URLSearchParams(location.search);
  const away = JSON.parse(sessionStorage.getItem(AWAY) ?? "null");
  sessionStorage.removeItem(AWAY);
  if (!said.has("state") || !(said.has("code") || said.has("error"))) return resume();
  history.replaceState(null, "", location.pathname + (away?.hash || ""));
  if (!away || said.get("state") !== away.state) {
    throw new ApiError(401, "This sign-in was not begun in this tab.", "Begin it here.");
  }
  if (said.has("error")) throw new ApiError(401, said.get("error_description") || said.get("error"), "Sign in again.");
  return change(away, {
    grant_type: "authorization_code",
    code: said.get("code"),
    redirect_uri: here(),
    code_verifier: away.verifier,
  });
}

export function stop() {
  clearTimeout(refreshing);
  sessionStorage.removeItem(AGAIN);
}

// After a reload the token is there already; what renews it has to be set going again.
function resume() {
  const again = JSON.parse(sessionStorage.getItem(AGAIN) ?? "null");
  if (again) later(again);
}

async function change({ token, client }, asked) {
  const body = new URLSearchParams({ ...asked, client_id: client });
  const answer = await fetch(token, { method: "POST", body }).catch(() => null);
  const said = await answer?.json().catch(() => null);
  const key = [said?.access_token, said?.id_token].find((one) => one?.split(".").length === 3);
  if (!answer?.ok || !key) {
    stop();
    if (asked.grant_type === "refresh_token") return; // the token that is there ends by itself, and that is said
    throw new ApiError(401, said?.error_description || "The identity provider gave no token.", "Sign in again.");
  }
  keep(key);
  const at = Date.now() + (said.expires_in ?? 300) * 1000;
  if (said.refresh_token) later({ token, client, refresh: said.refresh_token, at });
}

function later(again) {
  sessionStorage.setItem(AGAIN, JSON.stringify(again));
  clearTimeout(refreshing);
  const wait = Math.min(Math.max(1000, again.at - EARLY_S * 1000 - Date.now()), LONGEST_MS);
  refreshing = setTimeout(() => change(again, { grant_type: "refresh_token", refresh_token: again.refresh }), wait);
}

const here = () => location.origin + location.pathname;
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
