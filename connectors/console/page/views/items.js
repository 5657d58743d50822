// Things that are told as keys and values, whatever they are: suggestions and plans, until they have views of their
// own. Where there are none, the API's own sentence says what is missing.

import { get } from "../api.js";
import { h, refill } from "../dom.js";
import { assetLink, coded, empty, list, pairs, when } from "../parts.js";
import { number, plain, upper } from "../words.js";

export function itemsView(title, path, what) {
  const draw = async (page) => {
    const found = await get(path, page.signal);
    const items = found[what] ?? [];
    page.is(items.length ? "ready" : "empty");
    refill(
      page.body,
      found.missing && h("p", { class: items.length ? "note" : "card" }, coded(found.missing)),
      !items.length && !found.missing && empty(`There are no ${what}.`),
      items.map((item) =>
        h(
          "section",
          { class: "card" },
          h("h2", {}, item.title || item.headline || item.asset || item.id || title),
          rows(item),
        ),
      ),
    );
  };
  return { title: () => title, draw };
}

const rows = (item) =>
  pairs(Object.entries(item).map(([name, value]) => [upper(plain(name.replace(/_us$/, ""))), said(name, value)]));

export function said(name, value) {
  if (value === null || value === "" || value === undefined) return "–";
  if (name.endsWith("_us") && typeof value === "number") return when(value, { exact: true });
  if (name === "asset") return assetLink(value);
  if (Array.isArray(value)) return value.length ? list(value, (one) => said("", one)) : "–";
  if (typeof value === "object") return rows(value);
  return typeof value === "boolean" ? (value ? "yes" : "no") : number(value);
}
