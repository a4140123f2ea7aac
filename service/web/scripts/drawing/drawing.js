// What is drawn, strokes and pictures one after the other, and the square that it is drawn on: with mouse, finger, pen or keys.

import { clip } from "../answers/numbers.js";
import { ARROWS, pointed } from "../shared.js";
import { colour, drawFrame, sharp } from "../painting.js";
import { encoded, sheet } from "./pictures.js";

const SIDE = 280;
// As wide, against the size that people draw digits in, as the strokes of MNIST's digits.
const PEN = 22;
const ERASER = 34;
const PALE = 0.3;

/**
 * A list of steps, each one of
 *   {points: [x, y, x, y, …], erase: boolean}   a stroke
 *   {picture: canvas, mask: canvas, file: Blob, name: string, width, height}    a picture; `name` is that of a sample, else ""
 *   {clear: true}
 * Undo takes the last one back, and redo puts it there again, so that nothing that was drawn is lost by a slip. Before the first step there
 * may be an example, {picture: …} as well: the first step replaces it.
 */
export class Drawing {
  steps = [];
  // Those that were taken back, the last one first to come again.
  undone = [];
  example = null;

  add(step) {
    this.example = null;
    this.undone = [];
    this.steps.push(step);
    return step;
  }

  undo() {
    if (this.steps.length) this.undone.push(this.steps.pop());
  }

  redo() {
    if (this.undone.length) this.steps.push(this.undone.pop());
  }

  /** Whether nothing was ever drawn or brought. */
  get untouched() {
    return this.steps.length + this.undone.length === 0;
  }

  /** The steps that can still be seen. */
  get visible() {
    if (this.example) return [this.example];
    return this.steps.slice(this.steps.findLastIndex((step) => step.clear) + 1);
  }

  get empty() {
    return !this.visible.some((step) => step.mask || !step.erase);
  }

  /** The picture, if nothing was drawn on it: then its own file is asked about, untouched. */
  get picture() {
    const [only, ...others] = this.visible;
    return only?.mask && others.length === 0 ? only : null;
  }

  /** Draw all of it on a context in units of the square: in one colour on clear paper or, without, with pictures in their own. */
  paint(context, ink, ownColours = false) {
    for (const step of this.visible) {
      if (step.mask && ownColours) place(context, step.picture);
      else if (step.mask) place(context, tinted(step.mask, ink));
      else paintStroke(context, step, ink);
    }
  }

  /** The file to ask about: black ink on white. */
  file() {
    if (this.picture) return this.picture.file;
    const context = sheet(SIDE, SIDE);
    this.paint(context, "#000000");
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, SIDE, SIDE);
    return encoded(context, "image/png");
  }
}

function paintStroke(context, { points, erase }, ink) {
  context.save();
  context.globalCompositeOperation = erase ? "destination-out" : "source-over";
  context.strokeStyle = ink;
  context.lineWidth = erase ? ERASER : PEN;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.beginPath();
  context.moveTo(points[0], points[1]);
  // Through the middles of the pieces, with the corners as handles: what the hand meant between two reports.
  for (let k = 2; k + 3 < points.length; k += 2) {
    context.quadraticCurveTo(points[k], points[k + 1], (points[k] + points[k + 2]) / 2, (points[k + 1] + points[k + 3]) / 2);
  }
  context.lineTo(points.at(-2), points.at(-1));
  if (points.every((place, k) => place === points[k % 2])) {
    // A tap: a line without length leaves nothing.
    context.fillStyle = ink;
    context.arc(points[0], points[1], context.lineWidth / 2, 0, 2 * Math.PI);
    context.fill();
  } else context.stroke();
  context.restore();
}

/** A mask in one colour. */
function tinted(mask, ink) {
  const canvas = new OffscreenCanvas(mask.width, mask.height);
  const inside = canvas.getContext("2d");
  inside.drawImage(mask, 0, 0);
  inside.globalCompositeOperation = "source-in";
  inside.fillStyle = ink;
  inside.fillRect(0, 0, mask.width, mask.height);
  return canvas;
}

/** A picture in the middle, as large as the square; small ones with their pixels seen. */
function place(context, picture) {
  const scale = SIDE / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  context.save();
  context.imageSmoothingEnabled = picture.width > 64;
  context.drawImage(picture, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  context.restore();
}

// How far an arrow key moves the pen, and with Shift.
const STEP = 10;
const FINE_STEP = 2;
const MARGIN = 12;

export class Pad {
  erasing = false;
  // Whether nothing can be drawn: pictures are only brought.
  locked = false;
  // Whether pictures are shown in their own colours, and not as ink.
  ownColours = false;
  #framed = null;
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
    // An example is pale: it is nobody's drawing.
    if (this.drawing.example) context.globalAlpha = PALE;
    this.drawing.paint(context, colour("ink"), this.ownColours);
    context.globalAlpha = 1;
    if (this.#framed) drawFrame(context, this.#framed.map((share) => share * SIDE), "accent");
    if (this.#pen) this.#paintPen(context);
    context.restore();
  }

  /** Frame [x, y, width, height], as shares of the square, or nothing. */
  frame(box) {
    if (String(box) === String(this.#framed)) return;
    this.#framed = box;
    this.paint();
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
    const [down, across] = pointed(this.canvas, event);
    return [across, down].map((share) => Math.round(share * SIDE));
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
    const [down, right] = arrow;
    this.#pen = [right, down].map((share, k) => clip(this.#pen[k] + share * step, MARGIN, SIDE - MARGIN));
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
