// What is drawn over the digit, whichever question it answers: dots, outlines, tags, numbers.

import { colour } from "../colours.js";
import { number } from "../numbers.js";
import { NONE, drawOutlines } from "./outline.js";

export const SIDE = 28;
// What a pixel of ink at the most fills of its square.
const DOT = 0.62;
const TAG = [14, 16];

/** (28, 28) from one value a region. */
export function spread(values, region) {
  const rows = Array.from({ length: SIDE }, (_, row) => values[Math.floor(row / region)]);
  return rows.map((line) => Array.from({ length: SIDE }, (_, column) => line[Math.floor(column / region)]));
}

/** (28, 28) groups: 0 in these regions, none elsewhere. */
export function groupOf(places, region, [rows, columns]) {
  const groups = Array.from({ length: rows }, () => Array(columns).fill(NONE));
  for (const [row, column] of places) groups[row][column] = 0;
  return spread(groups, region);
}

/** [left, top, width, height] of a region on the canvas. */
export function boxOf([row, column], region, pixel) {
  const [width, height] = [column, row].map((place) => Math.min(region, SIDE - place * region) * pixel);
  return [column * region * pixel, row * region * pixel, width, height];
}

export function drawBlank(context, pixel) {
  context.fillStyle = colour("grey-0");
  context.fillRect(0, 0, SIDE * pixel, SIDE * pixel);
}

/** The ink of each pixel as a dot; faint beneath numbers. */
export function drawDots(context, image, pixel, faint = false) {
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

export function drawOutlined(context, groups, pixel, name = "ink", thickness = 2) {
  const points = context.getTransform().a;
  const edge = (place) => Math.round(place * pixel * points) / points;
  context.fillStyle = colour("paper");
  drawOutlines(context, groups, edge, thickness + 1);
  context.fillStyle = colour(name);
  drawOutlines(context, groups, edge, thickness);
}

export function drawFrame(context, [x, y, width, height], colourName = "ink") {
  for (const [thickness, name] of [[4, "paper"], [2, colourName]]) {
    context.lineWidth = thickness;
    context.strokeStyle = colour(name);
    context.strokeRect(x, y, width, height);
  }
}

/** A class's name beside a box of [left, top, width, height], where it covers least of what `taken(x, y)` says is taken. */
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
}

/** A number in the middle of each box that has one, as large as there is room for. */
export function drawNumbers(context, rows, boxOfCell, decimals) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  rows.forEach((line, row) =>
    line.forEach((value, column) => {
      if (value === null) return;
      const [x, y, width, height] = boxOfCell(row, column);
      const size = Math.min(Math.max(width / 4.2, 8), 15);
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
