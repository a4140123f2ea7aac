// What each region adds, with every combination counted: Shapley values on the picture, as colours and as numbers.

import { colour, diverging, limitOf } from "../colours.js";
import { includes, same } from "../hiding.js";
import { nameOf } from "../state.js";
import { fillMap } from "../tiles.js";
import { boxOf, drawFrame, drawNumbers, drawPicture, letterOf, spread } from "./layer.js";

// Thickness of the line to the region that it works together with most.
const THICKEST = 7;

/** Whether the values are those of the pair that is looked at. */
function ofPair({ answer, pair, spot }) {
  return pair !== null && !spot && answer.where.pairs !== undefined;
}

/** The values behind the colours: of all pairs together, or of the one that is looked at. */
function values({ now }) {
  const { where } = now.answer;
  return ofPair(now) ? where.pairs.map((line) => line.map((region) => region[now.pair[0]][now.pair[1]])) : where.values;
}

function draw(context, sheet, scene) {
  const { answer, spot } = scene.now;
  const { region } = answer.where;
  const limit = limitOf(values(scene));
  fillMap(context, spread(values(scene), region, sheet.side), 0, 0, sheet.pixel, (value) => diverging(value, limit));
  drawPicture(context, answer.process.image, sheet, true);
  if (spot) drawTogether(context, worksWith(answer.where, spot), spot, (place) => boxOf(place, region, sheet));
  const shown = scene.shares.regions.map((line, row) => line.map((value, column) => (answer.where.values[row][column] === 0 ? null : value)));
  drawNumbers(context, shown, (row, column) => boxOf([row, column], region, sheet), scene.shares.decimals);
  if (spot) drawFrame(context, boxOf(spot, region, sheet));
}

/** [[row, column], value] of each region that some cell sees together with this one, the strongest first. */
export function worksWith({ interactions = [] }, spot) {
  const found = interactions.filter(({ regions }) => includes(regions, spot));
  return found.map(({ regions: [one, other], value }) => [same(one, spot) ? other : one, value]).filter(([, value]) => value !== 0);
}

/** Lines from a region to those that it works together with, and against: the thicker, the more. */
function drawTogether(context, found, spot, boxOfPlace) {
  const limit = limitOf([found.map(([, value]) => value)]);
  const middle = (place) => {
    const [x, y, width, height] = boxOfPlace(place);
    return [x + width / 2, y + height / 2];
  };
  context.lineCap = "round";
  for (const [place, value] of [...found].reverse()) {
    const thickness = 1 + (THICKEST - 1) * (Math.abs(value) / limit);
    for (const [wide, name] of [[thickness + 2, "paper"], [thickness, value > 0 ? "positive-4" : "negative-4"]]) {
      context.lineWidth = wide;
      context.strokeStyle = colour(name);
      context.beginPath();
      context.moveTo(...middle(spot));
      context.lineTo(...middle(place));
      context.stroke();
    }
  }
  context.lineCap = "butt";
}

/** What each pair has on the empty picture and gets of the regions, or the class. */
function sum(said, { now, shares }) {
  const { where } = now.answer;
  const [target, versus] = [where.target, where.versus].map((one) => nameOf(one));
  const total = ofPair(now) ? said.pairName(now.pair) : versus === null ? said.logit(target) : said.difference(target, versus);
  const count = where.values.flat().filter((value) => value !== 0).length;
  return [
    [said.emptyPicture(nameOf(where.empty.predicted)), shares.empty],
    [said.regions(count), shares.all],
    [total, shares.total],
  ];
}

export const shapley = {
  draw,
  heading: (said, { where: { target, versus = null } }, pair) => (pair ? said.pairName(pair) : said.sharesOf(nameOf(target), nameOf(versus))),
  values,
  unit: (said) => said.scaleShare,
  sum,
  legend: (said, { now: { answer, spot }, inked, sheet }) => [
    ...(spot && worksWith(answer.where, spot).length ? [["together", said.legendTogether], ["against", said.legendAgainst]] : inked(said)),
    ...(letterOf(answer.where.region * sheet.pixel) ? [["figure", said.legendShare(answer.where.region)]] : []),
  ],
};
