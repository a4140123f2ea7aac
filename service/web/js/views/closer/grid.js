// A small map as a table of numbers, shaded as the map is.

import { number } from "../../numbers.js";
import { inkOf } from "./ink.js";

// What the darkest shade has of the colour: numbers stand on it.
const MOST = { ink: 34, for: 55, against: 55 };

/** [colour, share of it] of a value; beside the tones of ink there is "classes": for and against. */
function shade(value, limit, tone) {
  if (tone !== "classes") return ["ink", inkOf(value, limit, tone)];
  return [value < 0 ? "against" : "for", limit > 0 ? Math.abs(value) / limit : 0];
}

export function element(name, className, text = "") {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

/**
 * A table whose numbers change: `table` stands on the page, `fill({name, values, limit, tone, decimals, marked})` writes
 * it. `marked` is the [row, column] of the cell that counts.
 */
export function grid() {
  const table = element("table", "grid");
  const caption = element("span", "");
  table.createCaption().append(caption);
  const body = table.createTBody();
  const fill = ({ name, values, limit, tone, decimals, marked }) => {
    caption.textContent = name;
    table.style.setProperty("--cells", values.length);
    if (body.rows.length !== values.length) {
      const rows = values.map((line) => {
        const row = document.createElement("tr");
        row.append(...line.map(() => document.createElement("td")));
        return row;
      });
      body.replaceChildren(...rows);
    }
    values.forEach((line, row) =>
      line.forEach((value, column) => {
        const cell = body.rows[row].cells[column];
        const [colour, share] = shade(value, limit, tone);
        cell.textContent = number(value, decimals);
        cell.className = colour;
        cell.classList.toggle("marked", marked?.[0] === row && marked[1] === column);
        cell.style.setProperty("--share", `${Math.round(MOST[colour] * Math.min(share, 1))}%`);
      }),
    );
  };
  return { table, fill };
}
