// A sum as a line: terms with their names, and the total.

import { number } from "../numbers.js";

/** Fill a list with [name, value]s, the last of which is the total. */
export function fillSum(list, terms, decimals) {
  const nodes = terms.map(([name, value], k) => {
    const total = k === terms.length - 1;
    const text = number(value, decimals);
    const term = Object.assign(document.createElement("div"), { className: total ? "term total" : "term" });
    const shown = document.createElement("dd");
    if (k > 0) {
      const sign = total ? "=" : text.startsWith("−") ? "−" : "+";
      shown.append(Object.assign(document.createElement("span"), { className: "sign", textContent: sign }), " ");
    }
    // What is added and negative is subtracted.
    shown.append(k > 0 && !total ? text.replace("−", "") : text);
    term.append(Object.assign(document.createElement("dt"), { textContent: name }), shown);
    return term;
  });
  list.replaceChildren(...nodes);
}
