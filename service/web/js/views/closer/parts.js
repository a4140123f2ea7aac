// The parts of which the closer views are made: small maps to choose from, maps as tables of numbers, lines between them.

import { grey, limitOf } from "../../colours.js";
import { number } from "../../numbers.js";
import { paint, tile } from "../../tiles.js";

const SVG = "http://www.w3.org/2000/svg";
// What the darkest shade has of the colour where numbers stand on it.
const MOST = { ink: 34, for: 55, against: 55 };
// A table of more rows has no room for numbers: only its shades are seen.
const MOST_ROWS = 7;
const CHANNELS = ["red", "green", "blue"];

export function element(name, className, text = "") {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

/**
 * From 0 to 1, how much ink a number has; `tone` is "signed" where 0 is the middle grey, and elsewhere 0 is paper.
 */
function inkOf(value, limit, tone) {
  const share = limit > 0 ? value / limit : 0;
  return tone === "signed" ? (1 + share) / 2 : share;
}

/** The tone of a channel of the image: of a colour picture its colour, of a grey one ink. */
export function toneOf(channel, channels) {
  return channels > 1 ? CHANNELS[channel] : "ink";
}

/** What makes [red, green, blue] of the numbers of a map; `tone` is "ink", "signed", or a colour that is light. */
export function shading(limit, tone) {
  const channel = CHANNELS.indexOf(tone);
  if (channel < 0) return (value) => grey(inkOf(value, limit, tone));
  return (value) => CHANNELS.map((_, k) => (k === channel ? Math.round(255 * Math.min(Math.max(value / limit, 0), 1)) : 0));
}

/** A small map. */
export function painted(map, limit, tone) {
  const small = tile(map.length);
  paint(small, map, shading(limit, tone));
  return small;
}

/**
 * Buttons with a group's name, one of which is pressed. `options` are {number, map, tone}; `chosen` is called with the
 * number of one.
 */
export function chooser({ name, options }, current, chosen) {
  const group = element("div", options.length > 8 ? "chooser many" : "chooser");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", name);
  const limit = limitOf(options.map(({ map }) => map));
  const buttons = options.map(({ number: one, map, tone }) => {
    const button = element("button", "plain");
    button.type = "button";
    button.dataset.number = one;
    button.setAttribute("aria-label", `${name} ${one}`);
    button.setAttribute("aria-pressed", one === current);
    button.append(painted(map, limit, tone));
    button.addEventListener("click", () => chosen(one));
    return button;
  });
  group.append(element("span", "name", name), ...buttons);
  return group;
}

/** [colour, share of it] of a value; beside the tones of ink there is "classes": for and against. */
function shade(value, limit, tone) {
  if (tone !== "classes") return ["ink", inkOf(value, limit, tone)];
  return [value < 0 ? "against" : "for", limit > 0 ? Math.abs(value) / limit : 0];
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
    const numbered = values.length <= MOST_ROWS;
    table.classList.toggle("bare", !numbered);
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
        cell.textContent = numbered ? number(value, decimals) : "";
        cell.className = colour;
        cell.classList.toggle("marked", marked?.[0] === row && marked[1] === column);
        cell.style.setProperty("--share", `${Math.round((numbered ? MOST[colour] : 100) * Math.min(Math.max(share, 0), 1))}%`);
      }),
    );
  };
  return { table, fill };
}

/**
 * Lines from the window to its numbers, and from their sum to the number of the map that it is. `window` and `pixel` are
 * {canvas, box}: a frame on a canvas.
 */
export function drawRays(box, { window, pixel, grid: numbers, sum }) {
  const svg = box.querySelector("svg");
  const whole = box.getBoundingClientRect();
  // Places are measured on the screen, and drawn on what is enlarged.
  const zoom = box.currentCSSZoom ?? 1;
  const [dx, dy] = [box.scrollLeft - whole.left / zoom, box.scrollTop - whole.top / zoom];
  const placed = (one) => {
    const { left, right, top } = one.getBoundingClientRect();
    return { left: left / zoom + dx, right: right / zoom + dx, top: top / zoom + dy };
  };
  const frame = ({ canvas, box: [x, y, width, height] }) => {
    const { left, top } = placed(canvas);
    return { left: left + x, right: left + x + width, bottom: top + y + height };
  };
  const [from, to] = [frame(window), placed(numbers.tBodies[0])];
  const [start, end] = [placed(sum), frame(pixel)];
  const lines = [
    `M${from.left} ${from.bottom}L${to.left} ${to.top}`,
    `M${from.right} ${from.bottom}L${to.right} ${to.top}`,
    `M${(end.left + end.right) / 2} ${end.bottom}L${(start.left + start.right) / 2} ${start.top}`,
  ];
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", lines.join(""));
  svg.replaceChildren(path);
}
