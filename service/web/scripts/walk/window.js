// One layer closely: a window slides over a map, and what it makes of its numbers is one number of the next map.

import { highest, limitOf } from "../answers/network.js";
import { clip, number } from "../answers/numbers.js";
import { ARROWS, button, drawLines, element, fillSum, group, linesOver, placedIn, pointed, words } from "../shared.js";
import { colour, drawFrame, fillMap, painted, shadeOf, sharp } from "../painting.js";
import { KINDS } from "./stages.js";

// Milliseconds that the window slides: slowly along the first row, so that each step is seen, then fast.
const FIRST_ROW = 4000;
const REST = 8000;
// What the darkest shade has of the colour where numbers stand on it.
const MOST = { ink: 34, for: 55, against: 55 };
// A table of more rows has no room for numbers: only its shades are seen.
const MOST_ROWS = 7;

/** Whether the window may move by itself. */
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** After so many milliseconds the window has come to this place of `rows` × `columns`, counted row by row. */
function placeAt(time, rows, columns) {
  const rest = (time - FIRST_ROW) / REST;
  const place = rest < 0 ? (time / FIRST_ROW) * columns : columns * (1 + rest * (rows - 1));
  return Math.min(Math.floor(place), rows * columns - 1);
}

/** The clock of the window that slides. */
class Sliding {
  #frame = null;
  #time = 0;

  /** `moved` is called with each place, and with null at the end. */
  constructor(moved) {
    this.moved = moved;
  }

  get running() {
    return this.#frame !== null;
  }

  /** From the first place, or from where it was paused. */
  start(rows, columns) {
    let last = null;
    const tick = (now) => {
      this.#time += last === null ? 0 : now - last;
      last = now;
      this.#frame = requestAnimationFrame(tick);
      const place = placeAt(this.#time, rows, columns);
      this.moved(place);
      if (place < rows * columns - 1) return;
      this.reset();
      this.moved(null);
    };
    this.#frame = requestAnimationFrame(tick);
  }

  pause() {
    cancelAnimationFrame(this.#frame);
    this.#frame = null;
  }

  reset() {
    this.pause();
    this.#time = 0;
  }
}

/**
 * From 0 to 1, how much ink a number has; `tone` is "signed" where 0 is the middle grey, and elsewhere 0 is paper.
 */
function inkOf(value, limit, tone) {
  const share = limit > 0 ? value / limit : 0;
  return tone === "signed" ? (1 + share) / 2 : share;
}

/**
 * Buttons with a group's name, one of which is pressed. `options` are {number, map, tone}; `chosen` is called with the
 * number of one.
 */
function chooser({ name, options }, current, chosen) {
  const limit = limitOf(options.map(({ map }) => map));
  const buttons = options.map(({ number: one, map, tone }) => {
    const facts = { class: "plain", pressed: () => chosen(one), "data-number": one, "aria-label": `${name} ${one}`, "aria-pressed": one === current };
    return button(facts, painted(map, shadeOf(tone, limit)));
  });
  return group(options.length > 8 ? "chooser many" : "chooser", name, element("span", "name", name), ...buttons);
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
      body.replaceChildren(...values.map((line) => element("tr", "", ...line.map(() => element("td")))));
    }
    values.forEach((line, row) =>
      line.forEach((value, column) => {
        const cell = body.rows[row].cells[column];
        const [colour, share] = shade(value, limit, tone);
        cell.textContent = numbered ? number(value, decimals) : "";
        cell.className = colour;
        cell.classList.toggle("marked", marked?.[0] === row && marked[1] === column);
        cell.style.setProperty("--share", `${Math.round((numbered ? MOST[colour] : 100) * clip(share, 0, 1))}%`);
      }),
    );
  };
  return { table, fill };
}

/**
 * Lines from the window to its numbers, and from their sum to the number of the map that it is. `window` and `pixel` are
 * {canvas, box}: a frame on a canvas.
 */
function drawRays(box, { window, pixel, grid: numbers, sum }) {
  const placed = placedIn(box);
  const frame = ({ canvas, box: [x, y, width, height] }) => {
    const { left, top } = placed(canvas);
    return { left: left + x, right: left + x + width, bottom: top + y + height };
  };
  const [from, to] = [frame(window), placed(numbers.tBodies[0])];
  const [start, end] = [placed(sum), frame(pixel)];
  drawLines(box.querySelector("svg"), [
    `M${from.left} ${from.bottom}L${to.left} ${to.top}`,
    `M${from.right} ${from.bottom}L${to.right} ${to.top}`,
    `M${(end.left + end.right) / 2} ${end.bottom}L${(start.left + start.right) / 2} ${start.top}`,
  ]);
}

function figure(name, facts) {
  const [caption, canvas] = [element("figcaption"), element("canvas", { "data-testid": `closer-${name}`, ...facts })];
  return { whole: element("figure", name, caption, canvas), caption, canvas };
}

/** `box` is filled; `choice` and `place` are kept from one look to the next. */
export class Closer {
  #box;
  // What is shown: "convolution" or "pool", of which stage, and what that kind is for these facts.
  #name;
  #stage;
  #kind;
  #facts;
  #choice;
  #place;
  // How many places the window has come to while it slides; all, when it does not.
  #reached = Infinity;
  #source = figure("slid", { role: "img" });
  #result = figure("made", { role: "application", tabindex: 0 });
  #grids = [grid(), grid(), grid()];
  #play = button({ class: "play", pressed: () => this.#toggle(), "data-testid": "closer-play" });
  #said = element("p", { class: "unseen", "aria-live": "polite" });
  #choosers = element("div", "choosers");
  #equation = element("div", "equation");
  #total = element("dl", { class: "sum", "data-testid": "closer-sum" });
  #sliding = new Sliding((place) => this.#slid(place));

  constructor(box) {
    this.#box = box;
    this.#result.canvas.addEventListener("keydown", (event) => this.#key(event));
    for (const { canvas: one } of [this.#source, this.#result]) {
      for (const kind of ["pointermove", "pointerdown"]) one.addEventListener(kind, (event) => this.#point(event));
    }
  }

  /**
   * Show the convolution or the pool of a stage; `facts` are {process, network, card}. `choice` are the maps that are to
   * be looked at; without it those that were, and at first the `usual` ones.
   */
  show(name, stage, facts, usual, choice) {
    const same = name === this.#name && stage === this.#stage && facts.process === this.#facts?.process;
    Object.assign(this.#box.dataset, { stage });
    this.#name = name;
    this.#stage = stage;
    this.#facts = facts;
    this.#kind = KINDS[name](facts, stage);
    this.#choice = this.#kind.settle(choice ?? (same ? this.#choice : usual));
    if (!same || choice) this.#place = highest(this.#layers().result.map);
    this.stop();
    this.#build();
    this.#paint();
  }

  /** Let the window rest, on the whole map. */
  stop() {
    this.#sliding.reset();
    this.#reached = Infinity;
  }

  #layers() {
    return this.#kind.layers(words(), this.#choice);
  }

  #build() {
    const said = words();
    const choices = this.#kind.choices(said, this.#choice);
    const rows = choices.map((one) => chooser(one, this.#choice[one.part], (number) => this.#choose(one.part, number)));
    this.#play.hidden = still.matches;
    this.#choosers.replaceChildren(...rows, this.#play);
    const parts = [];
    const { grids, operators } = this.#numbers();
    grids.forEach((_, k) => parts.push(this.#grids[k].table, element("span", "operator", operators[k])));
    this.#equation.replaceChildren(...parts, this.#total);
    const { source, result } = this.#layers();
    const sides = (side) => `${side}×${side}`;
    this.#source.caption.replaceChildren(source.name, element("span", "", sides(source.side)));
    this.#result.caption.replaceChildren(result.name, element("span", "", sides(result.map.length)));
    this.#source.canvas.setAttribute("aria-label", said.closer.source);
    this.#result.canvas.setAttribute("aria-label", said.closer.result);
    this.#box.className = `closer ${this.#name}`;
    if (!this.#box.contains(this.#equation)) {
      this.#box.replaceChildren(this.#source.whole, this.#choosers, this.#result.whole, this.#equation, this.#said, linesOver());
    }
    // Where a row of maps is longer than the screen, the one that is looked at is seen.
    for (const row of rows) row.scrollLeft = row.querySelector("[aria-pressed=true]").offsetLeft - row.offsetLeft - row.clientWidth / 2;
  }

  #choose(part, number) {
    this.#choice = this.#kind.settle(this.#choice.with(part, number));
    this.stop();
    this.#build();
    this.#paint();
    const group = this.#kind.choices(words(), this.#choice).findIndex((one) => one.part === part);
    this.#choosers.querySelectorAll("[role=group]")[group].querySelector(`[data-number="${number}"]`).focus();
  }

  #numbers() {
    return this.#kind.numbers(words(), this.#choice, this.#place);
  }

  /** Paint everything that depends on the place; also when the box has another size. */
  repaint() {
    if (this.#box.contains(this.#equation)) this.#paint();
  }

  #paint() {
    const said = words();
    const { source, result } = this.#layers();
    const { side, step } = this.#kind.window;
    const [row, column] = this.#place;
    const { grids, terms, total, decimals } = this.#numbers();
    grids.forEach((one, k) => this.#grids[k].fill(one));
    fillSum(this.#total, [...terms, [said.closer.number(result.name, row, column), total]], decimals);
    const window = this.#draw(this.#source.canvas, source, [row * step, column * step, side]);
    const pixel = this.#draw(this.#result.canvas, result, [row, column, 1], this.#reached);
    this.#play.textContent = this.#sliding.running ? said.closer.pause : said.closer.slide;
    Object.assign(this.#box.dataset, { place: `${row},${column}`, choice: this.#choice.join() });
    drawRays(this.#box, { window, pixel, grid: this.#grids[0].table, sum: this.#total });
  }

  /** A map with a frame around [row, column, side]; gives the frame's place on the canvas. */
  #draw(canvas, layer, [row, column, side], reached = Infinity) {
    const width = canvas.clientWidth;
    const context = sharp(canvas, width);
    const { map } = layer;
    const cell = width / map.length;
    fillMap(context, map, 0, 0, cell, shadeOf(layer.tone, layer.limit));
    if (layer.padding) drawEdge(context, layer.padding * cell, width);
    context.fillStyle = colour("paper");
    const [whole, rest] = [Math.floor((reached + 1) / map.length), (reached + 1) % map.length];
    if (whole < map.length) {
      context.fillRect(rest * cell, whole * cell, width, cell);
      context.fillRect(0, (whole + 1) * cell, width, width);
    }
    const box = [column * cell, row * cell, side * cell, side * cell];
    drawFrame(context, box, "accent");
    return { canvas, box };
  }

  #move(row, column) {
    const { map } = this.#layers().result;
    const place = [row, column].map((one) => clip(one, 0, map.length - 1));
    if (place.join() === this.#place.join() && this.#reached === Infinity) return;
    this.#place = place;
    this.#paint();
  }

  #point(event) {
    // Only a click stops the window.
    if (this.#sliding.running && event.type !== "pointerdown") return;
    this.stop();
    const { source, result } = this.#layers();
    const { side, step } = this.#kind.window;
    const of = event.currentTarget === this.#source.canvas ? source : result;
    const place = (share) => {
      const cell = Math.floor(share * of.map.length);
      return of === result ? cell : Math.floor((cell - (step === 1 ? Math.floor(side / 2) : 0)) / step);
    };
    this.#move(...pointed(event.currentTarget, event).map(place));
  }

  #key(event) {
    const arrow = ARROWS[event.key];
    if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
    // Elsewhere these keys go from step to step.
    event.preventDefault();
    event.stopPropagation();
    this.stop();
    this.#move(this.#place[0] + arrow[0], this.#place[1] + arrow[1]);
    const { total, decimals } = this.#numbers();
    this.#said.textContent = words().closer.place(this.#place[0], this.#place[1], number(total, decimals));
  }

  #toggle() {
    const { map } = this.#layers().result;
    if (this.#sliding.running) this.#sliding.pause();
    else this.#sliding.start(map.length, map[0].length);
    this.#paint();
  }

  #slid(place) {
    const side = this.#layers().result.map.length;
    this.#reached = place ?? Infinity;
    if (place !== null) this.#place = [Math.floor(place / side), place % side];
    this.#paint();
  }
}

/** Where a map begins that is shown with its padding. */
function drawEdge(context, padding, width) {
  context.save();
  context.setLineDash([4, 3]);
  context.lineWidth = 1;
  context.strokeStyle = colour("muted");
  context.strokeRect(padding, padding, width - 2 * padding, width - 2 * padding);
  context.restore();
}
