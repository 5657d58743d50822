// The one state of the page: machines, warnings, notices and the ledger, as /overview told them and events moved them.
// Views subscribe by topic. What is older than what is known is left out, since a stream may repeat itself.

const DRAW_MS = 250; // a burst of events is drawn once

export const state = {
  me: null,
  plant: "",
  assets: new Map(),
  warnings: new Map(),
  notices: new Map(),
  ledger: null,
  asOfUs: null,
  toldMs: null,
  eventId: "",
  loaded: false,
  isFollowing: true,
  live: { is: "off", heardMs: 0, why: "" },
};

const followers = new Set();
let isHeld = false;
const moved = new Set();
let skewUs = 0;
let timer = null;

// `then` is called with the set of topics that moved: assets, warnings, notices, ledger, models, plan, demand,
// suggestion, live, an alert's id.
export function follow(then) {
  followers.add(then);
  return () => followers.delete(then);
}

export function tell(...topics) {
  for (const topic of topics) moved.add(topic);
  timer ??= setTimeout(pass, DRAW_MS);
}

function pass() {
  timer = isHeld ? setTimeout(pass, DRAW_MS) : null;
  if (isHeld) return;
  const told = new Set(moved);
  moved.clear();
  for (const then of [...followers]) then(told);
}

// While a button of the mouse is down nothing is drawn: a link that is replaced under the pointer is never followed.
export const hold = (is) => {
  isHeld = is;
};

// Once the first overview is there, or it is known that it will not come soon.
export const settled = (page) =>
  new Promise((done) => {
    const look = () => (state.loaded || state.live.why) && done();
    page.onEnd(done);
    page.follow(look);
    look();
  });

// The server's clock: a laptop whose clock is off must not turn "in 3 h" into nonsense. A plant that is replayed may
// run faster than any clock, and nothing it says is of the future.
export const nowUs = () => Math.max(Date.now() * 1000 + skewUs, state.asOfUs ?? 0);

export function taken(overview) {
  skewUs = overview.now_us - Date.now() * 1000;
  state.plant = overview.plant;
  state.assets = new Map(overview.assets.map((one) => [one.asset, one]));
  state.warnings = new Map(overview.warnings.map((one) => [one.id, one]));
  state.notices = new Map(overview.notices.map((one) => [one.id, one]));
  state.ledger = overview.ledger;
  state.asOfUs = overview.as_of_us;
  // Since when nothing has come from the log; a server that does not say so is taken at its data's word.
  state.toldMs = Number.isFinite(overview.silent_s) ? Date.now() - overview.silent_s * 1000 : null;
  state.eventId = overview.event_id;
  state.isFollowing = overview.is_following !== false;
  state.loaded = true;
  tell("assets", "warnings", "notices", "ledger", "plan", "demand", "suggestion", "live");
}

// Events by name. Each returns what people should hear of it, or nothing.
const EVENTS = {
  assets: (data) => {
    for (const asset of data.assets) assetCame(asset);
    tell("assets");
  },
  warning: (alert) => {
    const known = state.warnings.get(alert.id);
    if (known && known.revision >= alert.revision) return "";
    state.warnings.set(alert.id, alert);
    tell("warnings", alert.id);
    return known ? "" : `New warning: ${alert.headline || alert.asset}`;
  },
  notice: (notice) => {
    const known = state.notices.get(notice.id);
    if (known && known.revision >= notice.revision) return;
    state.notices.set(notice.id, notice);
    tell("notices");
  },
  ledger: (ledger) => {
    state.ledger = ledger;
    tell("ledger");
  },
  models: () => tell("models"),
  // Plans and demand are cut to who asks, so these say no more than that there is news: views ask for it.
  plan: () => tell("plan"),
  demand: ({ revision }) => {
    tell("demand");
    return revision ? "" : "The plant may pass its limit of power";
  },
  suggestion: ({ asset, revision, state: is, answers, refused }) => {
    tell("suggestion");
    return is === "open" && !revision && !answers.length && !refused.length ? `New suggestion for ${asset}` : "";
  },
  // Whether the service behind the page hears the log: a stream that is open may still have nothing new to tell.
  log: ({ is_following: isFollowing }) => {
    state.isFollowing = isFollowing;
    tell("live");
    return isFollowing ? "" : "Kafka does not answer: what is shown may be old";
  },
};

function assetCame(asset) {
  const known = state.assets.get(asset.asset);
  if (known?.window_end_us && asset.window_end_us && asset.window_end_us < known.window_end_us) return;
  state.assets.set(asset.asset, asset);
  if (asset.window_end_us > (state.asOfUs ?? 0)) state.asOfUs = asset.window_end_us;
}

export function came(name, data) {
  if (name !== "log" && state.toldMs !== null) state.toldMs = Date.now();
  return EVENTS[name]?.(data) ?? "";
}

export function cleared() {
  Object.assign(state, { me: null, plant: "", ledger: null, asOfUs: null, toldMs: null, eventId: "", loaded: false });
  for (const map of [state.assets, state.warnings, state.notices]) map.clear();
}

export const openWarnings = () => [...state.warnings.values()].filter((one) => one.is_active || one.is_waiting);
// What holds a machine's warnings back: the first hold of the worst of them.
export function heldOf(asset) {
  const held = [...state.warnings.values()].filter((one) => one.asset === asset && one.is_active && one.held?.length);
  return held.sort((a, b) => b.severity - a.severity)[0]?.held[0];
}

export const openNotices = () => [...state.notices.values()].filter((one) => one.state === "open");
export const byRank = () =>
  [...state.assets.values()].sort((a, b) => b.rank - a.rank || a.asset.localeCompare(b.asset));
