// Elements made of data: text becomes text nodes and nothing else, so no name or comment can become markup.
// Nothing here knows what Forewarn is.

const SVG = "http://www.w3.org/2000/svg";
const SAFE_LINK = /^(#|\/|https?:\/\/|blob:)/;

// A button submits only where it says so.
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  if (tag === "button") element.type = tag;
  return filled(element, props, children);
}

export function svg(tag, props = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children);
}

function filled(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  element.append(...nodes(children));
  return element;
}

function set(element, name, value) {
  if (value == null || value === false) return;
  if (name.startsWith("on")) {
    element.addEventListener(name.slice(2), value);
  } else if (name === "href" && !SAFE_LINK.test(value)) {
    element.setAttribute("title", "this link was left out: it does not lead to a page");
  } else if (name === "value" || name === "checked" || name === "disabled") {
    element[name] = value;
  } else {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

// What may stand as a child: nodes, texts, numbers, lists of these; nothing for null, undefined and false.
function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child != null && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

// Draws a part anew. Focus stays where it was, since live data must not throw people out of a list they are walking.
export function refill(container, ...children) {
  const held = keyOf(container, document.activeElement);
  container.replaceChildren(...nodes(children));
  if (held) container.querySelector(held)?.focus({ preventScroll: true });
  return container;
}

// Brings children into order and touches only those that are new, gone or elsewhere: for long lists that move a little.
export function arrange(container, wanted) {
  const held = keyOf(container, document.activeElement);
  const kept = new Set(wanted);
  for (const child of [...container.childNodes]) if (!kept.has(child)) child.remove();
  wanted.forEach((node, at) => {
    if (container.childNodes[at] !== node) container.insertBefore(node, container.childNodes[at] ?? null);
  });
  if (held && !container.contains(document.activeElement))
    container.querySelector(held)?.focus({ preventScroll: true });
  return container;
}

function keyOf(container, active) {
  if (!active || active === container || !container.contains(active)) return null;
  if (active.id) return `#${CSS.escape(active.id)}`;
  for (const name of ["data-key", "data-move", "href"]) {
    const value = active.getAttribute(name);
    if (value) return `[${name}="${CSS.escape(value)}"]`;
  }
  return null;
}

export const byId = (id) => document.getElementById(id);
