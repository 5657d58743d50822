// Suggestions: what would save energy or wear, once the service makes any.
// Nothing here yet but the list.

import { itemsView } from "./items.js";

export const view = itemsView("Suggestions", "/suggestions", "suggestions");
