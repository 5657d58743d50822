// Plans: when to do which work, once the service makes any.
// Nothing here yet but the list.

import { itemsView } from "./items.js";

export const view = itemsView("Plans", "/plans", "plans");
