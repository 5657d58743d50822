// Views of a week or a month: which one is chosen, kept in the address, with steps back and forth, and what is
// told of it. The figures themselves are their views' business.

import { get, query } from "../api.js";
import { h, refill } from "../dom.js";
import { failed, field, loading, unlessLeft } from "../parts.js";
import { keepSearch } from "../router.js";
import { nowUs, settled } from "../store.js";

const DAY_MS = 86400000;
const two = (value) => String(value).padStart(2, "0");

// The plant's now, since a plant that is replayed is in another week than the reader. Weeks and months are of UTC.
const now = () => new Date(nowUs() / 1000);

// ISO 8601: a week belongs to the year of its Thursday.
function weekOf(date) {
  const day = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()));
  day.setUTCDate(day.getUTCDate() + 4 - (day.getUTCDay() || 7));
  const first = Date.UTC(day.getUTCFullYear(), 0, 1);
  return `${day.getUTCFullYear()}-W${two(Math.ceil(((day - first) / DAY_MS + 1) / 7))}`;
}

const monthOf = (date) => `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}`;

function mondayOf(week) {
  const [, year, number] = /^(\d{4})-W(\d{2})$/.exec(week);
  const fourth = new Date(Date.UTC(Number(year), 0, 4)); // always in week 1
  return new Date(Date.UTC(Number(year), 0, 4 - ((fourth.getUTCDay() + 6) % 7) + (Number(number) - 1) * 7));
}

const monthName = (date, month) => date.toLocaleDateString(undefined, { month, timeZone: "UTC" });

// "23 to 29 Nov 2026, UTC": as much of the first day as differs from the last.
function weekWords(value) {
  const first = mondayOf(value);
  const last = new Date(first.getTime() + 6 * DAY_MS);
  const isYear = first.getUTCFullYear() === last.getUTCFullYear();
  const isMonth = isYear && first.getUTCMonth() === last.getUTCMonth();
  const of = (day) => `${day.getUTCDate()} ${monthName(day, "short")}`;
  const from = isMonth ? first.getUTCDate() : isYear ? of(first) : `${of(first)} ${first.getUTCFullYear()}`;
  return `${from} to ${of(last)} ${last.getUTCFullYear()}, UTC`;
}

function monthWords(value) {
  const date = new Date(`${value}-01T00:00:00Z`);
  return `${monthName(date, "long")} ${date.getUTCFullYear()}, UTC`;
}

const KINDS = {
  week: {
    shape: /^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$/,
    of: weekOf,
    words: "Week",
    said: weekWords,
    pattern: "\\d{4}-W\\d{2}",
    moved: (value, by) => {
      const day = mondayOf(value);
      day.setUTCDate(day.getUTCDate() + 7 * by);
      return weekOf(day);
    },
  },
  month: {
    shape: /^\d{4}-(0[1-9]|1[0-2])$/,
    of: monthOf,
    words: "Month",
    said: monthWords,
    pattern: "\\d{4}-\\d{2}",
    moved: (value, by) => monthOf(new Date(Date.UTC(Number(value.slice(0, 4)), Number(value.slice(5)) - 1 + by, 1))),
  },
};

function chosen(kind, search) {
  const told = search.get(kind) ?? "";
  return KINDS[kind].shape.test(told) ? told : KINDS[kind].of(now());
}

function picker(kind, value, then) {
  const { shape, of, words, pattern, moved } = KINDS[kind];
  const input = h("input", { type: kind, value, pattern, placeholder: value, required: true });
  const pick = (next) => {
    input.value = next;
    then(next);
  };
  input.addEventListener("change", () => shape.test(input.value) && then(input.value));
  const step = (by, label) =>
    h("button",
      { "aria-label": `${label} ${kind}`, onclick: () => shape.test(input.value) && pick(moved(input.value, by)) },
      by < 0 ? "‹" : "›");
  return h("div", { class: "period" },
    field(kind, words, input),
    step(-1, "previous"),
    step(1, "next"),
    h("button", { onclick: () => pick(of(now())) }, `This ${kind}`),
  );
}

// Of answers that overtake each other the last question's is shown.
export async function period(page, kind, { path, isEmpty, drawn }) {
  const place = h("div", { class: "stacked" });
  let turn = 0;
  const which = h("p", { "data-period": kind });
  const show = async (value) => {
    refill(which, KINDS[kind].said(value));
    turn += 1;
    const mine = turn;
    keepSearch(path, { [kind]: value });
    refill(place, loading(`the ${kind}`));
    const told = (state, ...body) => {
      if (mine !== turn) return;
      page.is(state);
      refill(place, body);
    };
    try {
      const found = await get(`${path}${query({ [kind]: value })}`, page.signal);
      told(isEmpty(found) ? "empty" : "ready", drawn(found, value));
    } catch (error) {
      unlessLeft(() =>
        told("error", failed(error, () => show(value))),
      )(error);
    }
  };
  await settled(page);
  if (page.signal.aborted) return;
  const first = chosen(kind, page.search);
  refill(page.body, picker(kind, first, show), which, place);
  await show(first);
}
