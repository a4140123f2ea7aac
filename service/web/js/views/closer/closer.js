// One layer closely: a window slides over a map, and what it makes of its numbers is one number of the next map.

import { highest } from "../../arithmetic.js";
import { colour, grey } from "../../colours.js";
import { number } from "../../numbers.js";
import { fillMap, sharp } from "../../tiles.js";
import { words } from "../../words.js";
import { drawFrame } from "../layer.js";
import { fillSum } from "../sum.js";
import { chooser } from "./chooser.js";
import { element, grid } from "./grid.js";
import { inkOf } from "./ink.js";
import { KINDS } from "./kinds.js";
import { drawRays } from "./rays.js";
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

  /** Show a layer; `facts` are {process, weights}, `choice` the numbers of the maps that are looked at. */
  show(kind, facts, choice) {
    const same = kind === this.#kind && facts.process === this.#facts?.process;
    this.#kind = kind;
    this.#facts = facts;
    this.#choice = choice ?? (same ? this.#choice : null) ?? this.#facts.usual[kind];
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
    return KINDS[this.#kind].layers(this.#facts.process, this.#choice);
  }

  #build() {
    const said = words();
    const { process } = this.#facts;
    const choices = KINDS[this.#kind].choices(said, process, this.#choice);
    const rows = choices.map((one, k) => chooser(one, this.#choice[k], (number) => this.#choose(k, number)));
    this.#play.hidden = still.matches;
    this.#choosers.replaceChildren(...rows, this.#play);
    const parts = [];
    const { grids, operators } = this.#numbers();
    grids.forEach((_, k) => parts.push(this.#grids[k].table, element("span", "operator", operators[k])));
    this.#equation.replaceChildren(...parts, this.#total);
    const { source, result } = this.#layers();
    const sides = (map) => `${map.length}×${map[0].length}`;
    this.#source.caption.replaceChildren(source.name ?? said.layers[0], element("span", "", sides(source.map)));
    this.#result.caption.replaceChildren(result.name, element("span", "", sides(result.map)));
    this.#source.canvas.setAttribute("aria-label", said.closer.source);
    this.#result.canvas.setAttribute("aria-label", said.closer.result);
    this.#box.className = `closer ${this.#kind}`;
    if (!this.#box.contains(this.#equation)) {
      const rays = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      rays.setAttribute("aria-hidden", "true");
      this.#box.replaceChildren(this.#source.whole, this.#choosers, this.#result.whole, this.#equation, this.#said, rays);
    }
  }

  #choose(k, number) {
    this.#choice = this.#choice.with(k, number);
    this.stop();
    this.#build();
    this.#paint();
    this.#choosers.querySelectorAll("[role=group]")[k].querySelectorAll("button")[number].focus();
  }

  #numbers() {
    const { process, weights } = this.#facts;
    return KINDS[this.#kind].numbers(words(), process, weights, this.#choice, this.#place);
  }

  /** Paint everything that depends on the place; also when the box has another size. */
  repaint() {
    if (this.#box.contains(this.#equation)) this.#paint();
  }

  #paint() {
    const said = words();
    const { source, result } = this.#layers();
    const { side, step } = KINDS[this.#kind].window(this.#facts.process);
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
    fillMap(context, map, 0, 0, cell, (value) => grey(inkOf(value, layer.limit, layer.tone)));
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
    const { side, step } = KINDS[this.#kind].window(this.#facts.process);
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
