// The square that is drawn on: with mouse, finger, pen or keys.

import { colour } from "../colours.js";
import { sharp } from "../tiles.js";
import { SIDE } from "./drawing.js";

// How far an arrow key moves the pen, and with Shift.
const STEP = 10;
const FINE_STEP = 2;
const MARGIN = 12;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  erasing = false;
  // Whether nothing can be drawn: pictures are only brought.
  locked = false;
  // Whether pictures are shown in their own colours, and not as ink.
  ownColours = false;
  #stroke = null;
  // The pointer that draws it: other fingers, and the hand beside a pen, draw nothing.
  #pointer = null;
  // The pen of the keyboard: where it is, and whether it is down.
  #pen = null;
  #down = false;

  /**
   * `changed(settled)` is called after every change; `settled` is false while a stroke is being drawn.
   * `said(word)` is called with what the keyboard's pen does.
   */
  constructor(canvas, drawing, changed, said) {
    Object.assign(this, { canvas, drawing, changed, said });
    canvas.addEventListener("pointerdown", (event) => this.#start(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => event.pointerId === this.#pointer && this.#end());
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#leave());
    new ResizeObserver(() => this.paint()).observe(canvas);
  }

  paint() {
    const width = this.canvas.clientWidth;
    if (width === 0) return;
    const context = sharp(this.canvas, width);
    context.save();
    context.scale(width / SIDE, width / SIDE);
    this.drawing.paint(context, colour("ink"), this.ownColours);
    if (this.#pen) this.#paintPen(context);
    context.restore();
  }

  #paintPen(context) {
    const [x, y] = this.#pen;
    context.strokeStyle = colour("accent");
    context.lineWidth = this.#down ? 4 : 2;
    context.beginPath();
    context.arc(x, y, 13, 0, 2 * Math.PI);
    context.stroke();
  }

  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE].map(Math.round);
  }

  #start(event) {
    if (this.locked) return;
    const eraserEnd = event.button === 5;
    if ((event.button !== 0 && !eraserEnd) || (this.#stroke && !this.#pen)) return;
    this.#leave();
    // Fast movements leave the square and come back: they are one stroke.
    this.canvas.setPointerCapture(event.pointerId);
    this.#pointer = event.pointerId;
    this.#begin(this.#place(event), this.erasing || eraserEnd);
  }

  #begin(place, erase) {
    this.#stroke = this.drawing.add({ points: [...place], erase });
    this.#drawn(false);
  }

  #move(event) {
    if (!this.#stroke || event.pointerId !== this.#pointer) return;
    // A browser reports once a frame; the hand moved more often.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) this.#extend(this.#place(one));
    this.#drawn(false);
  }

  #extend([x, y]) {
    const { points } = this.#stroke;
    if (Math.hypot(x - points.at(-2), y - points.at(-1)) >= 2) points.push(x, y);
  }

  #end() {
    if (!this.#stroke) return;
    this.#stroke = this.#pointer = null;
    this.#drawn(true);
  }

  #drawn(settled) {
    this.paint();
    this.changed(settled);
  }

  #key(event) {
    if (this.locked) return;
    const arrow = ARROWS[event.key];
    if (arrow && !event.ctrlKey && !event.metaKey && !event.altKey) this.#step(arrow, event.shiftKey ? FINE_STEP : STEP);
    else if (event.key === " " || event.key === "Enter") this.#press();
    else if (event.key === "Escape" && this.#down) this.#press();
    else return;
    event.preventDefault();
  }

  #step(arrow, step) {
    this.#pen ??= [SIDE / 2, SIDE / 2];
    this.#pen = this.#pen.map((place, k) => Math.min(Math.max(place + arrow[k] * step, MARGIN), SIDE - MARGIN));
    if (this.#down) {
      this.#extend(this.#pen);
      this.#drawn(false);
    } else this.paint();
  }

  #press() {
    this.#pen ??= [SIDE / 2, SIDE / 2];
    this.#down = !this.#down;
    if (this.#down) this.#begin(this.#pen, this.erasing);
    else this.#end();
    this.said(this.#down ? "penDown" : "penUp");
    this.paint();
  }

  #leave() {
    this.#down = false;
    this.#pen = null;
    this.#end();
    this.paint();
  }
}
