// Numbers into colours, as service/drawing/primitives/colours.py does it; maps onto canvases; and what is drawn over a picture.

import { fillOf, isColour, lightness } from "./answers/network.js";
import { clip, number } from "./answers/numbers.js";
import { element, zoomOf } from "./shared.js";

const STEPS = 60;
const dark = matchMedia("(prefers-color-scheme: dark)");

/** "light" or "dark": what is chosen, else what the system prefers. */
export function theme() {
  return document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
}

/** Call back when the system's preference changes. */
export function onSystemTheme(callback) {
  dark.addEventListener("change", callback);
}

// Reading a custom property makes the browser work out all styles: each theme's colours and scales are made once.
const made = new Map();

function once(name, make) {
  const key = `${theme()} ${name}`;
  if (!made.has(key)) made.set(key, make());
  return made.get(key);
}

/** One colour of the palette as #rrggbb. The property holds both themes' colours, light first. */
export function colour(name) {
  return once(name, () => {
    const both = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
    return both.match(/#[0-9a-f]{6}/g)[theme() === "dark" ? 1 : 0];
  });
}

function channels(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

function blend(anchors, share) {
  const place = share * (anchors.length - 1);
  const lower = Math.min(Math.floor(place), anchors.length - 2);
  return anchors[lower].map((value, k) => Math.round(value + (anchors[lower + 1][k] - value) * (place - lower)));
}

/** `steps` + 1 colours through the palette's `count` colours of a name. */
function scale(name, count, steps) {
  return once(`${name} scale`, () => {
    const anchors = Array.from({ length: count }, (_, k) => channels(colour(`${name}-${k}`)));
    return Array.from({ length: steps + 1 }, (_, k) => blend(anchors, k / steps));
  });
}

// A shade makes [red, green, blue] of a number and its place, with an opacity where it has one.

/** The shade of greys: 0 is the background and 1 is ink. */
export function greys() {
  const steps = 32;
  const colours = scale("grey", 2, steps);
  return (value) => colours[Math.round(clip(value, 0, 1) * steps)];
}

/** The shade of signed numbers: ±limit and beyond are the ends of the scale, 0 its middle. */
export function diverging(limit) {
  const [negative, positive] = ["negative", "positive"].map((name) => scale(name, 5, STEPS));
  return (value) => {
    const step = limit > 0 ? Math.round(clip(value / limit, -1, 1) * STEPS) : 0;
    return step < 0 ? negative[-step] : positive[step];
  };
}

/** The shade of weights and responses, which speak neither for nor against a class: the middle grey is 0, ink is above, paper below. */
export function signedGreys(limit) {
  const shade = greys();
  return (value) => shade(limit > 0 ? 0.5 + value / (2 * limit) : 0.5);
}

/** The shade of numbers of which none is negative: 0 is paper, and the limit is ink. */
export function inks(limit) {
  const shade = greys();
  return (value) => shade(limit > 0 ? value / limit : 0);
}

const CHANNELS = ["red", "green", "blue"];

/** The tone of a channel of the image: of a colour picture its colour, of a grey one ink. */
export function toneOf(channel, channels) {
  return channels > 1 ? CHANNELS[channel] : "ink";
}

/** The shade of a tone: "ink", "signed", or a colour that is light. */
export function shadeOf(tone, limit) {
  const channel = CHANNELS.indexOf(tone);
  if (channel < 0) return tone === "signed" ? signedGreys(limit) : inks(limit);
  return (value) => CHANNELS.map((_, k) => (k === channel ? Math.round(255 * clip(value / limit, 0, 1)) : 0));
}

/** A canvas element; one of its pixels is one of the map's, and CSS gives it its size. */
export function tile(width, height = width) {
  return element("canvas", { width, height, class: "tile" });
}

/** A map in the colours of a shade. */
export function paint(canvas, map, shade) {
  const width = map[0].length;
  if (canvas.width !== width || canvas.height !== map.length) Object.assign(canvas, { width, height: map.length });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, map.length);
  const bytes = pixels.data;
  let k = 0;
  map.forEach((line, row) =>
    line.forEach((value, column) => {
      [bytes[k], bytes[k + 1], bytes[k + 2], bytes[k + 3] = 255] = shade(value, row, column);
      k += 4;
    }),
  );
  context.putImageData(pixels, 0, 0);
}

/** A map as a small canvas of its own. */
export function painted(map, shade) {
  const small = tile(map[0].length, map.length);
  paint(small, map, shade);
  return small;
}

/** [row][column] of [red, green, blue]: a picture in colour, pixel by pixel. */
function pixelsOf([red, green, blue]) {
  return red.map((line, row) => line.map((value, column) => [value, green[row][column], blue[row][column]]));
}

/** The shade of such pixels, from 0 to 1. */
function ownColours(pixel) {
  return pixel.map((value) => Math.round(255 * clip(value, 0, 1)));
}

/** An image as the network sees it: a colour picture in its own colours. */
export function paintImage(canvas, image) {
  if (isColour(image)) paint(canvas, pixelsOf(image), ownColours);
  else paint(canvas, image, greys());
}

/** The weights of a filter for the three colours, as one picture: middle grey is 0. */
export function paintColourWeights(canvas, kernels, limit) {
  paint(canvas, pixelsOf(kernels), (three) => ownColours(three.map((value) => (limit > 0 ? 0.5 + value / (2 * limit) : 0.5))));
}

/** A map as an area of a larger drawing, as one picture: squares side by side would leave seams. */
export function fillMap(context, map, left, top, side, shade) {
  const small = new OffscreenCanvas(map[0].length, map.length);
  paint(small, map, shade);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, left, top, map[0].length * side, map.length * side);
}

/** An image as the network sees it, as a drawing. */
export function fillImage(context, image, pixel) {
  if (isColour(image)) fillMap(context, pixelsOf(image), 0, 0, pixel, ownColours);
  else fillMap(context, image, 0, 0, pixel, greys());
}

/** The strip of a shade from one end to the other. */
export function paintStrip(canvas, shade, least = -1) {
  const steps = 121;
  const share = (k) => least + ((1 - least) * k) / (steps - 1);
  paint(canvas, [Array.from({ length: steps }, (_, k) => share(k))], shade);
}

/**
 * What gives the width of a canvas as it was last laid out; `changed` is called when it is another. To ask the canvas itself
 * would have the whole page laid out at once, before all of it is written.
 */
export function widthOf(canvas, changed) {
  let width = 0;
  new ResizeObserver(() => {
    width = canvas.clientWidth;
    changed();
  }).observe(canvas);
  return () => width;
}

/** Give a drawing as many pixels as the screen has, and return its context in CSS pixels. */
export function sharp(canvas, width, height = width) {
  const ratio = Math.max((window.devicePixelRatio || 1) * zoomOf(canvas), 1);
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

export const NONE = -1;
const AROUND = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => [down, right]));
// What a pixel of ink at the most fills of its square.
const DOT = 0.62;
const TAG = [14, 16];
// Smaller numbers cannot be read.
const LEAST_LETTER = 8;
// As in service/drawing/primitives/colours.py: how far a colour goes towards ink where a photograph is much darker than around, what is added
// to both, and how far around reaches as a share of the side. Beneath numbers the photograph has this share of its strength.
const PRINT = { most: 0.7, even: 0.08, around: 1 / 16, faint: 0.5 };

/** A value for each pixel of `side` × `side`, from one value a region. */
export function spread(values, region, side) {
  const rows = Array.from({ length: side }, (_, row) => values[Math.floor(row / region)]);
  return rows.map((line) => Array.from({ length: side }, (_, column) => line[Math.floor(column / region)]));
}

/** A group for each pixel: 0 in these regions, none elsewhere. */
export function groupOf(places, region, [rows, columns], side) {
  const groups = Array.from({ length: rows }, () => Array(columns).fill(NONE));
  for (const [row, column] of places) groups[row][column] = 0;
  return spread(groups, region, side);
}

/** [left, top, width, height] of a region on the canvas; `sheet` is {side, pixel}. */
export function boxOf([row, column], region, { side, pixel }) {
  const [width, height] = [column, row].map((place) => Math.min(region, side - place * region) * pixel);
  return [column * region * pixel, row * region * pixel, width, height];
}

export function drawBlank(context, { side, pixel }) {
  context.fillStyle = colour("grey-0");
  context.fillRect(0, 0, side * pixel, side * pixel);
}

/** A region that is hidden, as the network sees it. */
export function drawHidden(context, box, image, fill) {
  const values = fillOf(image, fill);
  const three = isColour(image) ? ownColours(values) : greys()(values[0]);
  context.fillStyle = `rgb(${three.join()})`;
  context.fillRect(...box);
}

/** The picture over colours that mean something: ink as dots, a colour picture as light and shade. Both faint beneath numbers. */
export function drawPicture(context, image, { pixel }, faint = false) {
  if (isColour(image)) drawShades(context, image, pixel, faint);
  else drawDots(context, image, pixel, faint);
}

function drawDots(context, image, pixel, faint) {
  context.fillStyle = colour(faint ? "muted" : "ink");
  context.globalAlpha = faint ? 0.6 : 1;
  image.forEach((line, row) =>
    line.forEach((value, column) => {
      if (value <= 0) return;
      context.beginPath();
      context.arc((column + 0.5) * pixel, (row + 0.5) * pixel, (Math.sqrt(Math.min(value, 1)) * pixel * DOT) / 2, 0, 2 * Math.PI);
      context.fill();
    }),
  );
  context.globalAlpha = 1;
}

/** A photograph over colours: ink where it is darker than around or, on dark paper, lighter. So even parts keep exactly the colour beneath. */
function drawShades(context, image, pixel, faint) {
  const light = lightness(image).map((line) => line.map((value) => (theme() === "dark" ? 1 - value : value)));
  const reach = Math.max(Math.round(PRINT.around * light.length), 1);
  const mean = around(around(light, reach), reach);
  const most = PRINT.most * (faint ? PRINT.faint : 1);
  const ink = channels(colour("ink"));
  fillMap(context, light, 0, 0, pixel, (value, row, column) => {
    return [...ink, Math.round(255 * most * (1 - Math.min((value + PRINT.even) / (mean[row][column] + PRINT.even), 1)))];
  });
}

/** The mean of the values around each, which go on beyond the edge as they are at it. */
function around(values, reach) {
  const steps = Array.from({ length: 2 * reach + 1 }, (_, k) => k - reach);
  const meanOf = (line) => line.map((_, k) => steps.reduce((total, step) => total + line[clip(k + step, 0, line.length - 1)], 0) / steps.length);
  const turned = (rows) => rows[0].map((_, column) => rows.map((line) => line[column]));
  return turned(turned(values.map(meanOf)).map(meanOf));
}

function groupAt(groups, row, column) {
  return groups[row]?.[column] ?? NONE;
}

/**
 * Lines just inside each group, towards pixels of a lower group or of none: between two groups once.
 * `edge(k)` is where the k-th row or column of pixels begins: on a whole point of the screen, or lines would be dotted.
 */
function drawOutlines(context, groups, edge, thickness) {
  groups.forEach((line, row) =>
    line.forEach((group, column) => {
      if (group === NONE) return;
      for (const [down, right] of AROUND) {
        if (groupAt(groups, row + down, column + right) >= group) continue;
        const x = right === 1 ? edge(column + 1) - thickness : edge(column);
        const y = down === 1 ? edge(row + 1) - thickness : edge(row);
        context.fillRect(x, y, right ? thickness : edge(column + 1) - x, down ? thickness : edge(row + 1) - y);
      }
    }),
  );
}

export function drawOutlined(context, groups, pixel, name = "ink", thickness = 2) {
  const points = context.getTransform().a;
  const edge = (place) => Math.round(place * pixel * points) / points;
  context.fillStyle = colour("paper");
  drawOutlines(context, groups, edge, thickness + 1);
  context.fillStyle = colour(name);
  drawOutlines(context, groups, edge, thickness);
}

/** [row, column] of the upper left of each group's first 2×2 pixels; groups without any have none. */
export function corners(groups) {
  const side = groups.length;
  const seen = new Set();
  const found = [];
  for (let start = 0; start < side * side; start += 1) {
    const group = groupAt(groups, Math.floor(start / side), start % side);
    if (group === NONE || seen.has(start)) continue;
    const members = new Set([start]);
    for (const member of members) {
      const [row, column] = [Math.floor(member / side), member % side];
      for (const [y, x] of [[row - 1, column], [row + 1, column], [row, column - 1], [row, column + 1]]) {
        if (groupAt(groups, y, x) === group) members.add(y * side + x);
      }
    }
    members.forEach((member) => seen.add(member));
    const blocks = [...members].filter((k) => k % side < side - 1 && [1, side, side + 1].every((step) => members.has(k + step)));
    if (blocks.length) {
      const first = Math.min(...blocks);
      found.push([Math.floor(first / side), first % side]);
    }
  }
  return found;
}

export function drawFrame(context, [x, y, width, height], colourName = "ink") {
  for (const [thickness, name] of [[4, "paper"], [2, colourName]]) {
    context.lineWidth = thickness;
    context.strokeStyle = colour(name);
    context.strokeRect(x, y, width, height);
  }
}

/** A class's name beside a box of [left, top, width, height], where it covers least of what `taken(x, y)` says is taken; gives its own box. */
export function drawTag(context, [x, y, width, height], name, end, taken = () => false) {
  context.font = "600 12px system-ui, sans-serif";
  const [least, down] = TAG;
  const across = Math.max(least, Math.ceil(context.measureText(name).width) + 6);
  const places = [
    [x, y - down - 1],
    [x - across - 1, y],
    [x + width + 1, y],
    [x, y + height + 1],
    [x + width - across, y - down - 1],
    [x + width - across, y + height + 1],
  ].filter(([left, top]) => left >= 0 && top >= 0 && left + across <= end && top + down <= end);
  const covers = ([left, top]) =>
    [0.1, 0.5, 0.9].flatMap((right) => [0.1, 0.5, 0.9].map((below) => taken(left + right * across, top + below * down))).filter(Boolean).length;
  const [left, top] = places.reduce((best, place) => (covers(place) < covers(best) ? place : best), places[0] ?? [x, y]);
  context.fillStyle = colour("ink");
  context.fillRect(left, top, across, down);
  context.fillStyle = colour("paper");
  context.textAlign = "center";
  context.fillText(name, left + across / 2, top + 12.5);
  return [left, top, across, down];
}

/** The height of the letters of a number in a box of this width; null where it could not be read. */
export function letterOf(width) {
  const size = Math.min(width / 3.9, 14);
  return size >= LEAST_LETTER ? size : null;
}

/** A number in the middle of each box that has one, as large as there is room for; none where there is none. */
export function drawNumbers(context, rows, boxOfCell, decimals) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  rows.forEach((line, row) =>
    line.forEach((value, column) => {
      const [x, y, width, height] = boxOfCell(row, column);
      const size = letterOf(width);
      if (value === null || size === null) return;
      context.font = `600 ${size}px system-ui, sans-serif`;
      // With its sign and on paper: a thin stroke beside it would be a minus.
      const text = number(value, decimals, true);
      const across = context.measureText(text).width + 4;
      context.fillStyle = colour("paper");
      context.fillRect(x + (width - across) / 2, y + height / 2 - 0.62 * size, across, 1.24 * size);
      context.fillStyle = colour("ink");
      context.fillText(text, x + width / 2, y + height / 2);
    }),
  );
  context.textBaseline = "alphabetic";
}
