// Numbers, times and the API's words as people read them: pure functions of what they are given.
// Times are local, durations short; the exact time in UTC is for titles.

const HOUR_S = 3600;
const DAY_S = 86400;

export const HORIZONS_H = [12, 24, 48, 72, 120, 168];
const AT_72_H = 3;

export const percent = (share, digits = 0) => {
  if (share == null) return "–";
  if (share > 0 && share < 0.01 && digits === 0) return "<1 %";
  if (share < 1 && share > 0.995 && digits === 0) return ">99 %";
  return `${(share * 100).toFixed(digits)} %`;
};

export const chance72 = (asset) => (asset.chances?.length ? asset.chances[AT_72_H] : null);

export function number(value, digits) {
  if (value == null) return "–";
  if (typeof value !== "number") return String(value);
  const most = digits ?? (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
  return value.toLocaleString(undefined, { maximumFractionDigits: most });
}

export const signed = (value) =>
  value == null ? "–" : `${value < 0 ? "−" : "+"}${number(Math.abs(value))}`;

// "14 h", "3 days": the largest unit that says it, never two.
export function span(seconds) {
  const s = Math.abs(seconds);
  if (s < 60) return `${Math.round(s)} s`;
  if (s < HOUR_S) return `${Math.round(s / 60)} min`;
  if (s < 2 * DAY_S) return `${Math.round(s / HOUR_S)} h`;
  return `${Math.round(s / DAY_S)} days`;
}

export function fromNow(us, nowUs) {
  const seconds = (us - nowUs) / 1e6;
  if (Math.abs(seconds) < 5) return "now";
  return seconds > 0 ? `in ${span(seconds)}` : `${span(seconds)} ago`;
}

const SHORT = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };

export function clock(us) {
  const date = new Date(us / 1000);
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  return date.toLocaleString(undefined, isThisYear ? SHORT : { ...SHORT, year: "numeric" });
}

export const utc = (us) => `${new Date(us / 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
export const hours = (value) => (value == null ? "–" : span(value * HOUR_S));

export function remaining(left) {
  if (!left) return "";
  const what = left.until === "limit" ? "to a limit" : "to failure";
  const low = left.low_h == null ? null : hours(left.low_h);
  const high = left.high_h == null ? null : hours(left.high_h);
  const range =
    low && high ? `${low} to ${high}` : low ? `${low} or more` : high ? `at most ${high}` : "no bounds known";
  const held =
    left.covered == null
      ? "90 % interval"
      : `90 % interval, but ${percent(left.covered)} on other machines`;
  return `about ${hours(left.median_h)} ${what} (${range}; ${held})`;
}

const UNITS = {
  degc: "°C", m3_h: "m³/h", mm_s: "mm/s", kw: "kW", kwh: "kWh", ka: "kA", kn: "kN", ms: "ms", bar: "bar",
  mbar: "mbar", kpa: "kPa", a: "A", v: "V", hz: "Hz", rpm: "rpm", pct: "%", percent: "%", um: "µm", mm: "mm",
  m: "m", g: "g", s: "s", h: "h", l_min: "l/min", nm: "Nm",
};

// A signal's name tells its unit at its end: radial_bearing_temp_degc.
export function signalWords(name) {
  const parts = String(name).split("_");
  for (const count of [2, 1]) {
    const unit = parts.length > count ? UNITS[parts.slice(-count).join("_")] : undefined;
    if (unit) return { words: parts.slice(0, -count).join(" "), unit };
  }
  return { words: parts.join(" "), unit: "" };
}

export function driverWords({ signal, change, per_day: perDay }) {
  const { words, unit } = signalWords(signal);
  const off = change == null ? "" : ` ${signed(change)}${unit && ` ${unit}`} from its usual`;
  const moves = perDay == null ? "" : `, ${signed(perDay)} a day`;
  return `${words}${off}${moves}`;
}

// What the chance within 72 h would be without one of its drivers.
export const wereItUsual = (chance, drop) => `were it as usual: ${percent(Math.max(0, (chance ?? 0) - drop))} in 72 h`;

export const ADVICE = {
  "act-now": { icon: "act", tone: "act", words: "act now" },
  plan: { icon: "plan", tone: "plan", words: "plan" },
  watch: { icon: "watch", tone: "watch", words: "watch" },
};

export const STATES = {
  unacknowledged: "nobody took note yet",
  acknowledged: "acknowledged",
  "returned-to-normal-unacknowledged": "returned to normal, nobody took note",
  "returned-to-normal": "returned to normal",
  closed: "closed",
};

// Why a revision was told, where the word itself says too little.
export const REASONS = { suppressed: "held back", unsuppressed: "no longer held back" };

export const OPERATING = ["running", "idle", "off", "starting", "stopping", "maintenance", "unknown"];

export const RUNGS = { rules: "rules", health: "health", "time-to-limit": "time to limit", hazard: "hazard" };

export const OUTCOMES = {
  "found-and-repaired": "found and repaired",
  "found-and-deferred": "found, put off",
  "inspected-and-nothing-found": "inspected, nothing found (unfounded)",
  "not-inspected": "not inspected",
  "failed-before-action": "it failed before anybody acted",
  sensor: "a sensor was at fault",
  "process-change": "the process had changed",
  planned: "part of planned work",
};

export const plain = (word) =>
  String(word ?? "")
    .replaceAll("-", " ")
    .replaceAll("_", " ");
export const many = (count, one, more = `${one}s`) => `${number(count, 0)} ${count === 1 ? one : more}`;
export const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1);
