// Every question to the HTTP API, with the caller's key; what goes wrong comes back as a sentence that says what to do.
// The key lives in this tab's session storage alone and is never put into an address.

const BASE = "/api/v1";
const KEY = "forewarn.key";

export class ApiError extends Error {
  constructor(status, message, todo = "", retryAfterS = null) {
    super(message);
    this.status = status;
    this.todo = todo;
    this.retryAfterS = retryAfterS;
  }
}

let onSignedOut = () => {};

export const signedOut = (then) => {
  onSignedOut = then;
};
export const key = () => sessionStorage.getItem(KEY) ?? "";
export const keep = (value) => sessionStorage.setItem(KEY, value);
export const forget = () => sessionStorage.removeItem(KEY);

// Takes #key=... out of the address at once, before anything else can read it or a person can share it.
export function takeFragment() {
  const match = /^#key=(.+)$/.exec(location.hash);
  if (!match) return false;
  history.replaceState(null, "", location.pathname + location.search);
  keep(decoded(match[1]).trim());
  return true;
}

export function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const get = (path, signal) => json("GET", path, undefined, signal);
export const post = (path, body, signal) => json("POST", path, body, signal);

async function json(method, path, body, signal) {
  const answer = await ask(method, path, body, signal);
  try {
    return await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    const todo = "Is something else between this page and Forewarn?";
    throw new ApiError(answer.status, "The answer could not be read.", todo);
  }
}

// The raw answer, for downloads and streams. Throws ApiError for whatever is not 2xx.
export async function ask(method, path, body, signal, more = {}) {
  const headers = { Authorization: `Bearer ${key()}`, ...more };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    const sent = body && JSON.stringify(body);
    answer = await fetch(BASE + path, { method, headers, signal, cache: "no-store", body: sent });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "Forewarn cannot be reached.", "Check the network, and whether `forewarn api serve` runs.");
  }
  if (answer.ok) return answer;
  const wrong = await refusal(answer);
  if (wrong.status === 401) onSignedOut(wrong.message);
  throw wrong;
}

async function refusal(answer) {
  const said = sentence(await answer.json().catch(() => null));
  const after = Number(answer.headers.get("Retry-After")) || null;
  if (answer.status === 403 && said.includes("of the whole plant")) return new ApiError(403, WHOLE);
  const [fallback, todo] = TODO[answer.status] ?? [`It answered ${answer.status}.`, "Try again, or look at its log."];
  return new ApiError(answer.status, said || fallback, after ? `Try again in ${after} s.` : todo, after);
}

const WHOLE = "This is of the whole plant: ask for a key of all sites.";

const TODO = {
  401: ["The key is not known.", "Sign in with another key."],
  403: ["Your role may not do this.", "Ask an administrator for a key with a higher role."],
  404: ["This is not there, or not of your sites.", "Check the name, or ask for a key of its site."],
  409: ["This was refused.", "Look at what changed meanwhile, then try again."],
  413: ["This is too much at once.", "Send less."],
  422: ["This was refused.", "Mend what is named and send it again."],
  429: ["Too many questions in a short time.", "Wait a minute, then try again."],
  503: ["Kafka or InfluxDB is away.", "What is shown may be old. Try again; `forewarn doctor` says what is down."],
};

function sentence(body) {
  const detail = body?.detail;
  if (typeof detail === "string") return detail;
  if (!Array.isArray(detail)) return "";
  return detail.map((one) => `${(one.loc ?? []).filter((part) => part !== "body").join(".")}: ${one.msg}`).join("; ");
}

export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value != null);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
