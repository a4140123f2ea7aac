// What each region adds, with every combination counted: Shapley values on the picture, as colours and as numbers.

import { diverging, limitOf } from "../colours.js";
import { nameOf } from "../state.js";
import { fillMap } from "../tiles.js";
import { boxOf, drawFrame, drawNumbers, drawPicture, letterOf, spread } from "./layer.js";

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
  const shown = scene.shares.regions.map((line, row) => line.map((value, column) => (answer.where.values[row][column] === 0 ? null : value)));
  drawNumbers(context, shown, (row, column) => boxOf([row, column], region, sheet), scene.shares.decimals);
  if (spot) drawFrame(context, boxOf(spot, region, sheet));
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
  legend: (said, { now: { answer }, inked, sheet }) => [
    ...inked(said),
    ...(letterOf(answer.where.region * sheet.pixel) ? [["figure", said.legendShare(answer.where.region)]] : []),
  ],
};
