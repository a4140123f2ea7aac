// What was drawn: strokes and pictures, one after the other, on a square of SIDE units.

import { encoded, sheet } from "./pictures.js";

export const SIDE = 280;
// As wide, against the size that people draw digits in, as the strokes of MNIST's digits.
export const PEN = 22;
const ERASER = 34;

/**
 * A list of steps, each one of
 *   {points: [x, y, x, y, …], erase: boolean}   a stroke
 *   {picture: canvas, mask: canvas, file: Blob, name: string, width, height}    a picture; `name` is that of a sample, else ""
 *   {clear: true}
 * Undo takes the last one back, so that nothing that was drawn is lost by a slip.
 */
export class Drawing {
  steps = [];

  add(step) {
    this.steps.push(step);
    return step;
  }

  undo() {
    return this.steps.pop();
  }

  /** The steps that can still be seen. */
  get visible() {
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
