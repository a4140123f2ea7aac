// What each region adds, with every combination counted: Shapley values on the digit, as colours and as numbers.

import { diverging, limitOf } from "../colours.js";
import { pairName } from "../ledger.js";
import { nameOf } from "../state.js";
import { fillMap } from "../tiles.js";
import { boxOf, drawDots, drawFrame, drawNumbers, spread } from "./layer.js";

/** The values behind the colours: of all pairs together, or of the one that is looked at. */
function values({ now: { answer, pair, spot } }) {
  const { where } = answer;
  return pair && !spot ? where.pairs.map((line) => line.map((region) => region[pair[0]][pair[1]])) : where.values;
}

function draw(context, pixel, scene) {
  const { answer, spot } = scene.now;
  const { region } = answer.where;
  const limit = limitOf(values(scene));
  fillMap(context, spread(values(scene), region), 0, 0, pixel, (value) => diverging(value, limit));
  drawDots(context, answer.process.image, pixel, true);
  const shown = scene.shares.regions.map((line, row) => line.map((value, column) => (answer.where.values[row][column] === 0 ? null : value)));
  drawNumbers(context, shown, (row, column) => boxOf([row, column], region, pixel), scene.shares.decimals);
  if (spot) drawFrame(context, boxOf(spot, region, pixel));
}

/** What each pair has on the empty picture and gets of the regions, or the class. */
function sum(said, { now: { answer, pair, spot }, shares }) {
  const { values: all } = answer.where;
  const [target, versus] = [answer.where.target, answer.where.versus].map((one) => nameOf(one));
  const total = pair && !spot ? pairName(pair) : versus === null ? said.logit(target) : said.difference(target, versus);
  const count = all.flat().filter((value) => value !== 0).length;
  return [
    [said.emptyPicture(nameOf(answer.where.empty.predicted)), shares.empty],
    [said.regions(count), shares.all],
    [total, shares.total],
  ];
}

export const shapley = {
  draw,
  heading: (said, { where: { target, versus = null } }, pair) => (pair ? pairName(pair) : said.sharesOf(nameOf(target), nameOf(versus))),
  values,
  unit: (said) => said.scaleShare,
  sum,
  legend: (said) => [
    ["dot", said.legendInk],
    ["figure", said.legendShare],
  ],
};
