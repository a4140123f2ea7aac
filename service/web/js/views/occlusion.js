// What hiding one region does, drawn over the digit.

import { colour, diverging, limitOf } from "../colours.js";
import { fillMap } from "../tiles.js";
import { SIDE, boxOf, drawDots, drawFrame, drawOutlined, drawTag, spread } from "./layer.js";
import { NONE, corners } from "./outline.js";

/** Of what was answered, not of what is asked: the map is about the same. */
function heading(said, { where: { target, versus = null, predicted } }) {
  if (versus !== null) return said.whereVersus(target, versus);
  return target === predicted ? said.where(target) : said.whereOther(target);
}

function draw(context, pixel, { now: { answer, spot } }) {
  const { process, where } = answer;
  const { region } = where;
  const limit = limitOf(where.drop);
  fillMap(context, spread(where.drop, region), 0, 0, pixel, (value) => diverging(value, limit));
  drawDots(context, process.image, pixel);
  const critical = where.prediction.map((row) => row.map((digit) => (digit === where.predicted ? NONE : digit)));
  const groups = spread(critical, region);
  drawOutlined(context, groups, pixel);
  const taken = (x, y) => (groups[Math.floor(y / pixel)]?.[Math.floor(x / pixel)] ?? NONE) !== NONE;
  for (const [row, column] of corners(groups)) {
    const place = [row, column].map((at) => Math.floor(at / region));
    drawTag(context, boxOf(place, region, pixel), groups[row][column], SIDE * pixel, taken);
  }
  if (spot) drawSpot(context, pixel, where, spot);
}

/** The region that is looked at, hidden: no ink, an outline, and the digit that is read without it. */
function drawSpot(context, pixel, { region, prediction }, spot) {
  const box = boxOf(spot, region, pixel);
  context.fillStyle = colour("grey-0");
  context.fillRect(...box);
  drawFrame(context, box);
  drawTag(context, box, prediction[spot[0]][spot[1]], SIDE * pixel);
}

export const occlusion = {
  draw,
  heading,
  values: ({ now }) => now.answer.where.drop,
  unit: (said, { now: { answer } }) => said.scaleDrop(answer.where.target, answer.where.versus ?? null),
  legend: (said, { now: { answer } }) => [
    ["dot", said.legendInk],
    ...(answer.where.critical.length ? [["outline", said.legendCritical]] : []),
  ],
};
