// The stream of events, read through fetch since EventSource cannot send a key. It resumes where it was, waits longer
// after each failure, and loads the overview again where the server no longer knows what was missed.

import { ApiError, ask, get } from "./api.js";
import { came, state, taken, tell } from "./store.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;
const SILENCE_MS = 40000; // the server says something every 15 s: twice nothing is a dead line

let running = null;
let say = () => {};
let retryNow = () => {};

export function start(announce) {
  stop();
  say = announce;
  running = new AbortController();
  Object.assign(state.live, { heardMs: 0, is: "waiting", why: "" });
  follow(running.signal);
}

export function stop() {
  running?.abort();
  running = null;
  now("off");
}

// People who see "waiting" need not wait for the next try.
export const retry = () => retryNow();

async function follow(signal) {
  let failures = 0;
  while (!signal.aborted) {
    let atLeastMs = 0;
    try {
      if (!state.loaded) taken(await get("/overview", signal));
      await streamed(signal, () => {
        failures = 0;
      });
      failures = Math.max(failures, 1);
    } catch (error) {
      if (signal.aborted || error.status === 401) return;
      failures += 1;
      atLeastMs = (error.retryAfterS ?? 0) * 1000;
      now(
        navigator.onLine === false ? "off" : "waiting",
        error instanceof ApiError ? error.message : "The connection was cut.",
      );
    }
    if (!signal.aborted) await waited(failures, signal, atLeastMs);
  }
}

// Half of the wait is by chance, so that a hundred pages do not come back in one second.
function waited(failures, signal, atLeastMs) {
  const whole = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, failures - 1));
  return new Promise((done) => {
    const soon = () => {
      clearTimeout(timer);
      window.removeEventListener("online", soon);
      done();
    };
    const timer = setTimeout(soon, Math.max(atLeastMs, whole / 2 + (Math.random() * whole) / 2));
    retryNow = soon;
    signal.addEventListener("abort", soon, { once: true });
    window.addEventListener("online", soon, { once: true });
  });
}

async function streamed(signal, opened) {
  const one = new AbortController();
  const end = () => one.abort();
  signal.addEventListener("abort", end, { once: true });
  let watch = setTimeout(end, SILENCE_MS);
  try {
    const more = { Accept: "text/event-stream", ...(state.eventId && { "Last-Event-ID": state.eventId }) };
    const answer = await ask("GET", "/events", undefined, one.signal, more);
    opened();
    now("live");
    const parser = parsed(handle);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(watch);
      watch = setTimeout(end, SILENCE_MS);
      state.live.heardMs = Date.now();
      if (parser(part.value)) {
        state.loaded = false;
        return;
      }
    }
    // The server ends a stream with the token that it was asked with, or with itself: the next try tells which.
  } finally {
    clearTimeout(watch);
    signal.removeEventListener("abort", end);
    one.abort();
  }
}

// Returns true where all must be loaded again.
function handle({ id, name, data }) {
  if (name === "reset") return true;
  if (id) state.eventId = id;
  try {
    const heard = came(name, JSON.parse(data));
    if (heard) say(heard);
  } catch (error) {
    console.error("an event could not be used", name, error);
    return true;
  }
  return false;
}

// Server-sent events by the WHATWG's grammar: lines end in CRLF, LF or CR, an empty line ends an event.
function parsed(then) {
  let rest = "";
  let event = { id: "", name: "", data: [] };
  const line = (text) => {
    if (text === "") {
      const whole = { id: event.id, name: event.name || "message", data: event.data.join("\n") };
      const isOne = event.data.length > 0;
      event = { id: "", name: "", data: [] };
      return isOne && then(whole);
    }
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(text);
    if (field === "data") event.data.push(value ?? "");
    else if (field === "event") event.name = value ?? "";
    else if (field === "id") event.id = value ?? "";
    return false;
  };
  return (chunk) => {
    rest += chunk;
    const ends = /\r\n|\n|\r(?=[^])/g; // a CR at the very end may be half of a CRLF
    let from = 0;
    for (let match = ends.exec(rest); match; match = ends.exec(rest)) {
      const text = rest.slice(from, match.index);
      from = ends.lastIndex;
      if (line(text)) return true;
    }
    rest = rest.slice(from);
    return false;
  };
}

function now(is, why = "") {
  const wasHeard = state.live.heardMs > 0;
  if (is === "live") state.live.heardMs = Date.now();
  if (wasHeard && state.live.is !== is && state.live.is !== "off")
    say(is === "live" ? "Live again" : "Not live: what is shown may be old");
  Object.assign(state.live, { is, why });
  tell("live");
}
