// A dialog that asks and sends: it keeps what was typed when the answer is a refusal, and gives focus back when closed.
// It is the browser's own <dialog>, so Escape closes it and the page behind it is out of reach.

import { h, refill } from "./dom.js";
import { failed } from "./parts.js";

let number = 0;

// `submit` is given the values by name and throws what went wrong. Returns what closes the dialog.
export function dialog({ title, fields, yes, submit, name }) {
  number += 1;
  const wrong = h("div");
  const send = h("button", { type: "submit", class: "main", id: "dialog-yes" }, yes);
  const cancel = h("button", { id: "dialog-no", onclick: () => whole.close() }, "Cancel");
  const end = h("div", { class: "dialog-end" }, cancel, send);
  const form = h("form", { method: "dialog" }, h("h2", { id: `dialog-${number}` }, title), fields, wrong, end);
  const whole = h("dialog", { "aria-labelledby": `dialog-${number}`, "data-dialog": name }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      await submit(Object.fromEntries([...new FormData(form)].map(([key, value]) => [key, value.trim()])));
      whole.close();
    } catch (error) {
      refill(wrong, failed(error));
    } finally {
      send.disabled = false;
    }
  });
  return shown(whole, document.activeElement?.getAttribute("data-move") ?? "");
}

function shown(whole, opener) {
  whole.addEventListener("close", () => {
    whole.remove();
    // The view may have been drawn anew behind the dialog: its button is another element now.
    const button = document.querySelector(`[data-move="${CSS.escape(opener)}"]`);
    (button ?? document.querySelector("h1"))?.focus({ preventScroll: true });
  });
  document.body.append(whole);
  whole.showModal();
  whole.querySelector("input, select, textarea")?.focus();
  return () => whole.open && whole.close();
}
