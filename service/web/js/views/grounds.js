// The grounds on the digit: the regions that prove it, those that change it, and what is hidden by hand.

import { colour, grey } from "../colours.js";
import { includes } from "../hiding.js";
import { nameOf } from "../state.js";
import { fillMap } from "../tiles.js";
import { SIDE, boxOf, drawFrame, drawOutlined, groupOf, spread } from "./layer.js";

// How much of its darkness the ink keeps that may be hidden.
const SHADED = 0.4;

function draw(context, pixel, { now: { answer, hidden, spot } }) {
  const { process, where } = answer;
  const { region, sufficient, players, contrast } = where;
  const kept = spread(rows(where, (place) => includes(sufficient.regions, place) || !includes(players, place)), region);
  const image = process.image.map((line, row) => line.map((value, column) => (kept[row][column] ? value : SHADED * value)));
  fillMap(context, image, 0, 0, pixel, grey);
  for (const place of hidden) strikeOut(context, boxOf(place, region, pixel));
  if (contrast) contrast.regions.forEach((place) => drawDashes(context, boxOf(place, region, pixel)));
  drawOutlined(context, groupOf(sufficient.regions, region, where.grid), pixel, "accent", 3);
  if (spot && includes(players, spot)) drawFrame(context, boxOf(spot, region, pixel));
}

function rows({ grid: [height, width] }, of) {
  return Array.from({ length: height }, (_, row) => Array.from({ length: width }, (_, column) => of([row, column])));
}

function strikeOut(context, [x, y, width, height]) {
  context.fillStyle = colour("grey-0");
  context.fillRect(x, y, width, height);
  context.strokeStyle = colour("muted");
  context.lineWidth = 1.5;
  context.strokeRect(x + 0.75, y + 0.75, width - 1.5, height - 1.5);
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + width, y + height);
  context.moveTo(x + width, y);
  context.lineTo(x, y + height);
  context.stroke();
}

function drawDashes(context, [x, y, width, height]) {
  context.save();
  context.setLineDash([5, 4]);
  context.lineWidth = 2;
  context.strokeStyle = colour("ink");
  context.strokeRect(x + 6, y + 6, width - 12, height - 12);
  context.restore();
}

export const grounds = {
  draw,
  heading: (said, { where: { predicted } }) => said.groundsOf(nameOf(predicted)),
  legend: (said, { now: { answer, hidden } }) => [
    ...(answer.where.sufficient.regions.length ? [["ground", said.legendGround]] : []),
    ...(answer.where.contrast ? [["dashes", said.legendContrast(nameOf(answer.where.contrast.predicted))]] : []),
    ...(hidden.length ? [["struck", said.legendHidden]] : []),
  ],
};
