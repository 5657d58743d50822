// Which view an address names, and the life of the view that is shown: loading, ready, empty or error, until the next.
// A view module exports `view`: title(args), draw(page), and whatever it does itself.

import { decoded } from "./api.js";
import { byId, h, refill } from "./dom.js";
import { failed, loading } from "./parts.js";
import { titled } from "./shell.js";
import { follow } from "./store.js";

const ROUTES = [
  [/^\/?$/, "overview", () => import("./views/overview.js")],
  [/^\/assets\/([^/]+)$/, "asset", () => import("./views/asset.js")],
  [/^\/warnings$/, "warnings", () => import("./views/warnings.js")],
  [/^\/warnings\/([^/]+)$/, "warning", () => import("./views/warning.js")],
  [/^\/kpis$/, "kpis", () => import("./views/kpis.js")],
  [/^\/value$/, "value", () => import("./views/value.js")],
  [/^\/suggestions$/, "suggestions", () => import("./views/suggestions.js")],
  [/^\/plans$/, "plans", () => import("./views/plans.js")],
  [/^\/models$/, "models", () => import("./views/models.js")],
  [/^\/ledger$/, "ledger", () => import("./views/ledger.js")],
  [/^\/audit$/, "audit", () => import("./views/audit.js")],
  [/^\/api$/, "api", () => import("./views/openapi.js")],
];

let shown = null;
let isFirst = true;

// Who has signed in by the form hears what was opened; a reload does not take the focus.
export const greeted = () => {
  isFirst = false;
};

export function leave() {
  shown?.end();
  shown = null;
}

export async function route() {
  const [path, search = ""] = location.hash.replace(/^#/, "").split("?");
  const found = ROUTES.map(([shape, name, load]) => ({ match: shape.exec(path), name, load })).find((one) => one.match);
  leave();
  const page = opened(found?.name ?? "unknown", found?.match[1], new URLSearchParams(search));
  shown = page;
  try {
    const { view } = found ? await found.load() : UNKNOWN;
    if (page.signal.aborted) return;
    page.heading(view.title(page.arg));
    await view.draw(page);
    if (page.main.dataset.state === "loading") page.is("ready");
  } catch (error) {
    if (error.name !== "AbortError" && !page.signal.aborted) page.wrong(error);
  }
}

const UNKNOWN = {
  view: {
    title: () => "Not a page",
    draw: () => {
      throw new Error("There is no such view. Choose one above.");
    },
  },
};

// What a view is given: its place, its name in the address, and how to say how it is.
function opened(name, arg, search) {
  const main = byId("view");
  const ending = new AbortController();
  const heading = h("h1", { tabindex: -1 }, "…");
  const body = h("div", { class: "view-body" });
  const ends = [];
  main.dataset.view = name;
  main.dataset.state = "loading";
  main.replaceChildren(heading, body);
  refill(body, loading("the view"));
  const page = {
    ...{ main, body, search, arg: decoded(arg ?? "") },
    signal: ending.signal,
    heading: (words, sign) => headed(heading, words, sign),
    is: (state) => {
      main.dataset.state = state;
    },
    wrong: (error) => {
      page.is("error");
      refill(body, failed(error, route));
    },
    follow: (then) => ends.push(follow(then)),
    onEnd: (then) => ends.push(then),
    end: () => {
      ending.abort();
      for (const then of ends) then();
    },
  };
  return page;
}

// Focus goes to the heading of what was opened, so that a reader of the screen hears where it is.
function headed(heading, words, sign) {
  const isNew = heading.textContent === "…";
  heading.replaceChildren(...(sign ? [sign, " "] : []), words);
  titled(words);
  if (!isNew) return;
  if (!isFirst) heading.focus({ preventScroll: true });
  if (!isFirst) window.scrollTo(0, 0);
  isFirst = false;
}

// Keeps a view's filters in its address, where a link carries them and a reload finds them.
export function keepSearch(path, values) {
  const given = Object.entries(values).filter(([, value]) => value !== "");
  history.replaceState(null, "", `#${path}${given.length ? `?${new URLSearchParams(given)}` : ""}`);
}
