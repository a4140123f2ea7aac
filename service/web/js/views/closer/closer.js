// One layer closely: a window slides over a map, and what it makes of its numbers is one number of the next map.

import { colour } from "../../colours.js";
import { highest } from "../../image.js";
import { number } from "../../numbers.js";
import { fillMap, sharp } from "../../tiles.js";
import { words } from "../../words.js";
import { drawFrame } from "../layer.js";
import { fillSum } from "../sum.js";
import { KINDS } from "./kinds.js";
import { chooser, drawRays, element, grid, shading } from "./parts.js";
import { Sliding, still } from "./sliding.js";

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function figure(name) {
  const whole = element("figure", name);
  const caption = element("figcaption", "");
  const canvas = element("canvas", "");
  canvas.dataset.testid = `closer-${name}`;
  whole.append(caption, canvas);
  return { whole, caption, canvas };
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
  #source = figure("slid");
  #result = figure("made");
  #grids = [grid(), grid(), grid()];
  #play = element("button", "play");
  #said = element("p", "unseen");
  #choosers = element("div", "choosers");
  #equation = element("div", "equation");
  #total = element("dl", "sum");
  #sliding = new Sliding((place) => this.#slid(place));

  constructor(box) {
    this.#box = box;
    this.#play.type = "button";
    this.#play.dataset.testid = "closer-play";
    this.#play.addEventListener("click", () => this.#toggle());
    this.#said.ariaLive = "polite";
    this.#total.dataset.testid = "closer-sum";
    const { canvas } = this.#result;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    this.#source.canvas.setAttribute("role", "img");
    canvas.addEventListener("keydown", (event) => this.#key(event));
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
      const rays = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      rays.setAttribute("aria-hidden", "true");
      this.#box.replaceChildren(this.#source.whole, this.#choosers, this.#result.whole, this.#equation, this.#said, rays);
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
    fillMap(context, map, 0, 0, cell, shading(layer.limit, layer.tone));
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
    const within = (place) => Math.min(Math.max(place, 0), map.length - 1);
    const place = [within(row), within(column)];
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
    const box = event.currentTarget.getBoundingClientRect();
    const [down, across] = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
    const place = (share) => {
      const cell = Math.floor(share * of.map.length);
      return of === result ? cell : Math.floor((cell - (step === 1 ? Math.floor(side / 2) : 0)) / step);
    };
    this.#move(place(down), place(across));
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
