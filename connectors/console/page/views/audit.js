// What people and programs did through the API, newest first, in a chain of hashes that shows when a link is missing.
// For admins; the API refuses all others and says so.

import { get, query } from "../api.js";
import { h, refill } from "../dom.js";
import { askedAt, dim, empty, exactly, table } from "../parts.js";

const STEP = 100;

export const view = { title: () => "Audit", draw };

async function draw(page, limit = STEP) {
  const { entries } = await get(`/audit${query({ limit })}`, page.signal);
  page.is(entries.length ? "ready" : "empty");
  const more =
    entries.length >= limit &&
    h("p", {},
      h("button", { id: "more", onclick: () => draw(page, limit + STEP).catch(page.wrong) },
        "Show more",
      ),
    );
  const again = h("button", { id: "ask-again", onclick: () => draw(page, limit).catch(page.wrong) });
  again.append("Ask again");
  refill(page.body,
    h("p", {}, again, " ", dim("asked at ", askedAt())),
    entries.length
      ? h("div", { class: "card" }, table(COLUMNS, entries, { row: (one) => ({ "data-entry": one.number }) }))
      : empty("Nothing has been done yet."),
    more,
  );
}

const COLUMNS = [
  ["Number", (one) => one.number],
  ["When", (one) => exactly(one.time_us), "short"],
  ["By", (one) => one.by || dim("not known"), "text"],
  ["Role", (one) => one.role || "–"],
  ["What", (one) => h("code", {}, `${one.method} ${one.path}`), "text"],
  ["Answer", (one) => (one.status < 400 ? one.status : h("strong", {}, `${one.status} refused`)), "short"],
  ["From", (one) => one.address || "–", "text"],
  ["Left out", (one) => one.left_out || "–"],
  ["Chain", (one) => h("code", { title: one.chain }, String(one.chain).slice(0, 8)), "short"],
  ["Hash", (one) => h("code", { title: one.hash }, dim(String(one.hash).slice(0, 10)))],
];
