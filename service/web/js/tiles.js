// Maps onto canvases.

import { diverging, grey } from "./colours.js";
import { isColour } from "./image.js";

/** A canvas element; one of its pixels is one of the map's, and CSS gives it its size. */
export function tile(width, height = width) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.className = "tile";
  return canvas;
}

/** A map whose values become [red, green, blue] by `shade`. */
export function paint(canvas, map, shade) {
  const width = map[0].length;
  if (canvas.width !== width || canvas.height !== map.length) {
    canvas.width = width;
    canvas.height = map.length;
  }
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, map.length);
  map.flat().forEach((value, k) => pixels.data.set([...shade(value), 255], 4 * k));
  context.putImageData(pixels, 0, 0);
}

/** Signed numbers in the diverging scale. */
export function paintMap(canvas, map, limit) {
  paint(canvas, map, (value) => diverging(value, limit));
}

/** Weights and responses, which speak neither for nor against a class: the middle grey is 0, ink is above, paper below. */
export function paintWeights(canvas, map, limit) {
  paint(canvas, map, (value) => grey(limit > 0 ? 0.5 + value / (2 * limit) : 0.5));
}

/** A map without negative numbers, or a grey image: 0 is the background and 1 is ink. */
export function paintDigit(canvas, image) {
  paint(canvas, image, grey);
}

/** The bytes of a pixel in colour. */
const bytes = (pixel) => pixel.map((value) => Math.round(255 * Math.min(Math.max(value, 0), 1)));

/** [row][column] of [red, green, blue]: a picture in colour, pixel by pixel. */
function pixelsOf([red, green, blue]) {
  return red.map((line, row) => line.map((value, column) => ({ three: [value, green[row][column], blue[row][column]] })));
}

/** An image as the network sees it: a colour picture in its own colours. */
export function paintImage(canvas, image) {
  if (isColour(image)) paint(canvas, pixelsOf(image), ({ three }) => bytes(three));
  else paintDigit(canvas, image);
}

/** The weights of a filter for the three colours, as one picture: middle grey is 0. */
export function paintColourWeights(canvas, kernels, limit) {
  paint(canvas, pixelsOf(kernels), ({ three }) => bytes(three.map((value) => (limit > 0 ? 0.5 + value / (2 * limit) : 0.5))));
}

/** A colour picture as an area of a larger drawing. */
export function fillImage(context, image, pixel) {
  fillMap(context, pixelsOf(image), 0, 0, pixel, ({ three }) => bytes(three));
}

/** A map as an area of a larger drawing, as one picture: squares side by side would leave seams. */
export function fillMap(context, map, left, top, side, shade) {
  const small = new OffscreenCanvas(map[0].length, map.length);
  paint(small, map, shade);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, left, top, map[0].length * side, map.length * side);
}

function paintSteps(canvas, shade) {
  const steps = 121;
  paint(canvas, [Array.from({ length: steps }, (_, k) => k / (steps - 1))], shade);
}

/** The strip of the scale against and for, from −limit to +limit. */
export function paintStrip(canvas) {
  paintSteps(canvas, (share) => diverging(2 * share - 1, 1));
}

/** The strip of the greys, from paper to ink. */
export function paintGreyStrip(canvas) {
  paintSteps(canvas, grey);
}

/** Give a drawing as many pixels as the screen has, and return its context in CSS pixels. */
export function sharp(canvas, width, height = width) {
  const ratio = Math.max((window.devicePixelRatio || 1) * (canvas.currentCSSZoom ?? 1), 1);
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

