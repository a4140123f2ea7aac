// What is drawn over the picture, whichever question it answers: the picture itself, outlines, tags, numbers.

import { colour, grey, theme } from "../colours.js";
import { fillOf, isColour, lightness } from "../image.js";
import { number } from "../numbers.js";
import { fillMap } from "../tiles.js";

export const NONE = -1;
const AROUND = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => [down, right]));
// What a pixel of ink at the most fills of its square.
const DOT = 0.62;
const TAG = [14, 16];
// Smaller numbers cannot be read.
const LEAST_LETTER = 8;
// Between the darkest and the lightest of a colour picture beneath other colours; beneath numbers there is less.
const SHADE = { plain: 0.5, faint: 0.28 };
// What is dark in a picture is lightened, so that it hides less.
const LIGHTENED = 0.6;

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
  const three = isColour(image) ? values.map((value) => Math.round(255 * value)) : grey(values[0]);
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

/** Light and shade of a picture, as far apart as they can be without hiding the colours beneath. */
function drawShades(context, image, pixel, faint) {
  const share = SHADE[faint ? "faint" : "plain"];
  const dark = theme() === "dark";
  const shades = lightness(image);
  const flat = shades.flat();
  const [least, most] = [Math.min(...flat), Math.max(...flat)];
  const place = (value) => (most > least ? ((value - least) / (most - least)) ** (dark ? 1 : LIGHTENED) : 1);
  const level = (value) => Math.round(255 * (dark ? share * place(value) : 1 - share * (1 - place(value))));
  context.save();
  // The darkest of a picture darkens light paper; the lightest of it lights up dark paper.
  context.globalCompositeOperation = dark ? "screen" : "multiply";
  fillMap(context, shades, 0, 0, pixel, (value) => Array(3).fill(level(value)));
  context.restore();
}

function at(groups, row, column) {
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
        if (at(groups, row + down, column + right) >= group) continue;
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
    const group = at(groups, Math.floor(start / side), start % side);
    if (group === NONE || seen.has(start)) continue;
    const members = new Set([start]);
    for (const member of members) {
      const [row, column] = [Math.floor(member / side), member % side];
      for (const [y, x] of [[row - 1, column], [row + 1, column], [row, column - 1], [row, column + 1]]) {
        if (at(groups, y, x) === group) members.add(y * side + x);
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
  const size = Math.min(width / 4.2, 15);
  return size >= LEAST_LETTER ? size : null;
}

/** A number in the middle of each box that has one, as large as there is room for; none where there is none. */
export function drawNumbers(context, rows, boxOfCell, decimals) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  rows.forEach((line, row) =>
    line.forEach((value, column) => {
      const [x, y, width, height] = boxOfCell(row, column);
      const size = letterOf(width);
      if (value === null || size === null) return;
      context.font = `600 ${size}px system-ui, sans-serif`;
      context.lineWidth = 3.5;
      context.strokeStyle = colour("paper");
      context.fillStyle = colour("ink");
      const text = number(value, decimals);
      context.strokeText(text, x + width / 2, y + height / 2);
      context.fillText(text, x + width / 2, y + height / 2);
    }),
  );
  context.textBaseline = "alphabetic";
}
