// What a map can show: the answer to a question about the regions, the map of a pair, a guess, or nothing.

import { diverging, limitOf } from "../colours.js";
import { entryOf, indexOf } from "../ledger.js";
import { cellsOf } from "../network.js";
import { decimalsFor, number, roundRowsToTotal } from "../numbers.js";
import { network } from "../state.js";
import { fillMap, paintStrip, tile } from "../tiles.js";
import { words } from "../words.js";
import { grounds } from "./grounds.js";
import { guess } from "./guess.js";
import { drawBlank, drawNumbers, drawPicture, letterOf } from "./layer.js";
import { occlusion } from "./occlusion.js";
import { shapley } from "./shapley.js";

/** A pair's map, each cell on the pixels that are its own. */
function drawPair(context, sheet, { now: { answer, pair }, one, table }) {
  const { map } = entryOf(one, pair);
  const limit = limitOf(one.shown.map((each) => each.map));
  const { first, pitch } = cellsOf(network());
  const [start, cell] = [first * sheet.pixel, pitch * sheet.pixel];
  drawBlank(context, sheet);
  fillMap(context, map, start, start, cell, (value) => diverging(value, limit));
  drawPicture(context, answer.process.image, sheet, true);
  const shown = roundRowsToTotal(map, table.cells[indexOf(one, pair)], table.decimals);
  const numbers = shown.map((line, row) => line.map((value, column) => (map[row][column] === 0 ? null : value)));
  drawNumbers(context, numbers, (row, column) => [start + column * cell, start + row * cell, cell, cell], table.decimals);
}

/** What the map can show: how it is drawn, its heading, the values and the name of its scale, its sum, its legend. */
export const SHOWN = {
  empty: {
    draw: drawBlank,
    heading: (said) => said.whereEmpty,
  },
  heat: occlusion,
  shares: shapley,
  grounds,
  guess,
  pair: {
    draw: drawPair,
    heading: (said, _, pair) => said.pairName(pair),
    values: ({ one }) => one.shown.map((each) => each.map),
    unit: (said) => said.scaleCell,
    legend: (said, { inked, sheet }) => [
      ...inked(said),
      ...(letterOf(cellsOf(network()).pitch * sheet.pixel) ? [["figure", said.legendCell]] : []),
    ],
  },
};
const MODES = { occlusion: "heat", shapley: "shares", grounds: "grounds" };

/** How the answer to a question is shown. */
export function modeOf(question) {
  return MODES[question];
}

/** The strip of colours and its numbers, in an element: {box, strip, least, middle, most}. */
export function scaleIn(box) {
  const strip = tile(1);
  const [least, middle, most] = Array.from({ length: 3 }, () => document.createElement("span"));
  box.append(strip, least, middle, most);
  return { box, strip, least, middle, most };
}

export function fillScale({ box, strip, least, middle, most }, { values, unit }, scene) {
  box.classList.toggle("unseen-scale", !values);
  if (!values) return;
  paintStrip(strip);
  const limit = limitOf(values(scene));
  const decimals = decimalsFor(limit);
  least.textContent = number(-limit, decimals);
  middle.textContent = unit(words(), scene);
  most.textContent = number(limit, decimals, true);
}
