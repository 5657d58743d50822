// Views of a week or a month: which one is chosen, kept in the address, with steps back and forth, and what is told of it.
// The figures themselves are their views' business.

import { get, query } from "../api.js";
import { h, refill } from "../dom.js";
import { failed, field, loading, unlessLeft } from "../parts.js";
import { keepSearch } from "../router.js";

const DAY_MS = 86400000;
const two = (value) => String(value).padStart(2, "0");

// ISO 8601: a week belongs to the year of its Thursday.
function weekOf(date) {
  const day = new Date(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()));
  day.setUTCDate(day.getUTCDate() + 4 - (day.getUTCDay() || 7));
  const first = Date.UTC(day.getUTCFullYear(), 0, 1);
  return `${day.getUTCFullYear()}-W${two(Math.ceil(((day - first) / DAY_MS + 1) / 7))}`;
}

const monthOf = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}`;

function mondayOf(week) {
  const [, year, number] = /^(\d{4})-W(\d{2})$/.exec(week);
  const fourth = new Date(Number(year), 0, 4); // always in week 1
  return new Date(Number(year), 0, 4 - ((fourth.getDay() + 6) % 7) + (Number(number) - 1) * 7);
}

const KINDS = {
  week: {
    shape: /^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$/,
    now: weekOf,
    words: "Week",
    pattern: "\\d{4}-W\\d{2}",
    moved: (value, by) => {
      const day = mondayOf(value);
      day.setDate(day.getDate() + 7 * by);
      return weekOf(day);
    },
  },
  month: {
    shape: /^\d{4}-(0[1-9]|1[0-2])$/,
    now: monthOf,
    words: "Month",
    pattern: "\\d{4}-\\d{2}",
    moved: (value, by) => monthOf(new Date(Number(value.slice(0, 4)), Number(value.slice(5)) - 1 + by, 1)),
  },
};

function chosen(kind, search) {
  const told = search.get(kind) ?? "";
  return KINDS[kind].shape.test(told) ? told : KINDS[kind].now(new Date());
}

function picker(kind, value, then) {
  const { shape, now, words, pattern, moved } = KINDS[kind];
  const input = h("input", { type: kind, value, pattern, placeholder: value, required: true });
  const pick = (next) => {
    input.value = next;
    then(next);
  };
  input.addEventListener("change", () => shape.test(input.value) && then(input.value));
  const step = (by, label) =>
    h(
      "button",
      {
        type: "button",
        "aria-label": `${label} ${kind}`,
        onclick: () => shape.test(input.value) && pick(moved(input.value, by)),
      },
      by < 0 ? "‹" : "›",
    );
  return h(
    "div",
    { class: "period" },
    field(kind, words, input),
    step(-1, "previous"),
    step(1, "next"),
    h("button", { type: "button", onclick: () => pick(now(new Date())) }, `This ${kind}`),
  );
}

// Of answers that overtake each other the last question's is shown.
export async function period(page, kind, { path, isEmpty, drawn }) {
  const place = h("div", { class: "stacked" });
  let turn = 0;
  const show = async (value) => {
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
        told(
          "error",
          failed(error, () => show(value)),
        ),
      )(error);
    }
  };
  const first = chosen(kind, page.search);
  refill(page.body, picker(kind, first, show), place);
  await show(first);
}
