// The HTTP API as it describes itself: each path, what it is for, and where the whole document is.
// A list to read; programs take the document.

import { get } from "../api.js";
import { h, refill } from "../dom.js";
import { dim, empty, table, wide } from "../parts.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

export const view = { title: () => "API", draw };

async function draw(page) {
  const found = await get("/openapi.json", page.signal);
  const rows = Object.entries(found.paths ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path, of: item[method] })),
  );
  page.is(rows.length ? "ready" : "empty");
  refill(
    page.body,
    h(
      "p",
      {},
      `${found.info?.title ?? "Forewarn"} ${found.info?.version ?? ""}. Every request carries `,
      h("code", {}, "Authorization: Bearer KEY"),
      ". The whole document, for programs: ",
      h("code", {}, `${location.origin}/api/v1/openapi.json`),
      ".",
    ),
    rows.length
      ? h("div", { class: "card" }, wide("Paths", table(COLUMNS, rows)))
      : empty("The document names no paths."),
  );
}

const described = ({ summary, description }) => description && description !== summary && [h("br"), dim(description)];

const COLUMNS = [
  ["Method", (one) => h("strong", {}, one.method.toUpperCase()), "short"],
  ["Path", (one) => h("code", {}, one.path), "text"],
  ["What it is for", (one) => [one.of.summary || dim("not told"), described(one.of)], "text"],
];
