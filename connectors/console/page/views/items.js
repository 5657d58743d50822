// Things that are told as keys and values, whatever they are.

import { assetLink, exactly, list, pairs } from "../parts.js";
import { number, plain, upper } from "../words.js";

const rows = (item) =>
  pairs(Object.entries(item).map(([name, value]) => [upper(plain(name.replace(/_us$/, ""))), said(name, value)]));

export function said(name, value) {
  if (value === null || value === "" || value === undefined) return "–";
  if (name.endsWith("_us") && typeof value === "number") return exactly(value);
  if (name === "asset") return assetLink(value);
  if (Array.isArray(value)) return value.length ? list(value, (one) => said("", one)) : "–";
  if (typeof value === "object") return rows(value);
  return typeof value === "boolean" ? (value ? "yes" : "no") : number(value);
}
