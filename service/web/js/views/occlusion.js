// What hiding one region does, drawn over the picture.

import { diverging, limitOf } from "../colours.js";
import { nameOf } from "../state.js";
import { fillMap } from "../tiles.js";
import { NONE, boxOf, corners, drawFrame, drawHidden, drawOutlined, drawPicture, drawTag, spread } from "./layer.js";

// Letters of a class's name on a tag, at most.
const TAG_LETTERS = 8;

/** Of what was answered, not of what is asked: the map is about the same. */
function heading(said, { where: { target, versus = null, predicted } }) {
  if (versus !== null) return said.whereVersus(nameOf(target), nameOf(versus));
  return target === predicted ? said.where(nameOf(target)) : said.whereOther(nameOf(target));
}

function draw(context, sheet, { now: { answer, spot } }) {
  const { process, where } = answer;
  const { region } = where;
  const { side, pixel } = sheet;
  const limit = limitOf(where.drop);
  fillMap(context, spread(where.drop, region, side), 0, 0, pixel, (value) => diverging(value, limit));
  drawPicture(context, process.image, sheet);
  const critical = where.prediction.map((row) => row.map((number) => (number === where.predicted ? NONE : number)));
  const groups = spread(critical, region, side);
  drawOutlined(context, groups, pixel);
  const tags = [];
  const tagged = (x, y) => tags.some(([left, top, width, height]) => x >= left && x <= left + width && y >= top && y <= top + height);
  const taken = (x, y) => tagged(x, y) || (groups[Math.floor(y / pixel)]?.[Math.floor(x / pixel)] ?? NONE) !== NONE;
  for (const [row, column] of corners(groups)) {
    const place = [row, column].map((at) => Math.floor(at / region));
    tags.push(drawTag(context, boxOf(place, region, sheet), nameOf(groups[row][column], TAG_LETTERS), side * pixel, taken));
  }
  if (spot) drawSpot(context, sheet, answer, spot);
}

/** The region that is looked at, hidden: nothing in it, an outline, and the class that is read without it. */
function drawSpot(context, sheet, { process: { image }, where: { region, prediction, fill } }, spot) {
  const box = boxOf(spot, region, sheet);
  drawHidden(context, box, image, fill);
  drawFrame(context, box);
  drawTag(context, box, nameOf(prediction[spot[0]][spot[1]], TAG_LETTERS), sheet.side * sheet.pixel);
}

export const occlusion = {
  draw,
  heading,
  values: ({ now }) => now.answer.where.drop,
  unit: (said, { now: { answer } }) => said.scaleDrop(nameOf(answer.where.target), nameOf(answer.where.versus)),
  legend: (said, { now: { answer }, inked }) => [
    ...inked(said),
    ...(answer.where.critical.length ? [["outline", said.legendCritical]] : []),
  ],
};
