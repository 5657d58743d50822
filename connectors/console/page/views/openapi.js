// The HTTP API as it describes itself: each path, what it is for, and where the whole document is.
// A list to read; programs take the document.

import { get } from "../api.js";
import { h, refill } from "../dom.js";
import { coded, dim, empty, table, wide } from "../parts.js";

const DOCUMENT = "/api/v1/openapi.json";
const METHODS = ["get", "post", "put", "patch", "delete"];

export const view = { title: () => "API", draw };

async function draw(page) {
  const found = await get("/openapi.json", page.signal);
  const rows = Object.entries(found.paths ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path, of: item[method] })),
  );
  const columns = COLUMNS.filter(([title]) => title !== "Role" || rows.some(({ of }) => of["x-role"]));
  page.is(rows.length ? "ready" : "empty");
  refill(page.body,
    h("p", {},
      `${found.info?.title ?? "Forewarn"} ${found.info?.version ?? ""}. Every request carries `,
      h("code", {}, "Authorization: Bearer KEY"),
      ". The whole document, for programs: ",
      h("a", { href: DOCUMENT }, h("code", {}, slashed(location.origin + DOCUMENT))),
      ".",
    ),
    rows.length
      ? h("div", { class: "card" }, wide("Paths", table(columns, rows)))
      : empty("The document names no paths."),
  );
}

const described = ({ summary, description }) =>
  description && description !== summary && [h("br"), dim(coded(description))];

// A path breaks after its slashes alone.
const slashed = (path) => path.split(/(?<=\/)/).map((part) => [part, h("wbr")]);

const COLUMNS = [
  ["Method", (one) => h("strong", {}, one.method.toUpperCase()), "short"],
  ["Path", (one) => h("code", { class: "path" }, slashed(one.path))],
  ["Role", (one) => one.of["x-role"] || dim("not told"), "short"],
  ["What it is for", (one) => [coded(one.of.summary ?? "") || dim("not told"), described(one.of)], "text"],
];
