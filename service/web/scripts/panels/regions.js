// The picture with what the chosen question says about its regions, or with one pair's map.

import { indexOf } from "../answers/account.js";
import { cellsOf, isColour, limitOf } from "../answers/network.js";
import { clip, decimalsOfSum, endOfScale, number, rounded, roundRowsToTotal } from "../answers/numbers.js";
import { ARROWS, byId, element, fillSum, pointed, words } from "../shared.js";
import {
  NONE, boxOf, colour, corners, diverging, drawBlank, drawFrame, drawHidden, drawNumbers, drawOutlined, drawPicture, drawTag, fillMap, letterOf,
  paintStrip, sharp, spread, tile, widthOf,
} from "../painting.js";
import { grounds, includes, same, toggle } from "./grounds.js";
import { drawGuess, guess, mark, open } from "./guess.js";
import { nameOf, network, refresh, set, side, state } from "../state.js";

// Letters of a class's name on a tag, at most.
const TAG_LETTERS = 8;
// Thickness of the lines between regions that work together, as in the saved picture. All at once are at most so many, and none whose value
// is less than this share of the greatest.
const LINES = { thickest: 8, most: 60, least: 0.1 };

/** Of what was answered, not of what is asked: the map is about the same. */
function headingOfDrops(said, { where: { target, versus = null, predicted } }) {
  if (versus !== null) return said.whereVersus(nameOf(target), nameOf(versus));
  return target === predicted ? said.where(nameOf(target)) : said.whereOther(nameOf(target));
}

/** What hiding each region does, and where it changes what is read. */
function drawDrops(context, sheet, { now: { answer, spot } }) {
  const { process, where } = answer;
  const { region } = where;
  const { side, pixel } = sheet;
  fillMap(context, spread(where.drop, region, side), 0, 0, pixel, diverging(limitOf(where.drop)));
  drawPicture(context, process.image, sheet);
  const critical = where.prediction.map((row) => row.map((number) => (number === where.predicted ? NONE : number)));
  const groups = spread(critical, region, side);
  drawOutlined(context, groups, pixel);
  const tags = [];
  const tagged = (x, y) => tags.some(([left, top, width, height]) => x >= left && x <= left + width && y >= top && y <= top + height);
  const taken = (x, y) => tagged(x, y) || (groups[Math.floor(y / pixel)]?.[Math.floor(x / pixel)] ?? NONE) !== NONE;
  for (const [row, column] of corners(groups)) {
    const place = [row, column].map((pixel) => Math.floor(pixel / region));
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

/** The drops as they are written where somebody points at a region: {decimals, numbers}. */
function shownDrops({ drop, whole }) {
  const decimals = decimalsOfSum(limitOf(drop), whole);
  return { decimals, numbers: [rounded(limitOf(drop), decimals)] };
}

const occlusion = {
  draw: drawDrops,
  heading: headingOfDrops,
  values: ({ now }) => now.answer.where.drop,
  shown: ({ now }) => shownDrops(now.answer.where),
  unit: (said, { now: { answer } }) => said.scaleDrop(nameOf(answer.where.target), nameOf(answer.where.versus)),
  legend: (said, { now: { answer }, inked }) => [
    ...inked(said),
    ...(answer.where.critical.length ? [["outline", said.legendCritical]] : []),
  ],
};

/** Whether the values are those of the pair that is looked at. */
function ofPair({ answer, pair, spot }) {
  return pair !== null && !spot && answer.where.pairs !== undefined;
}

/** The values behind the colours: of all pairs together, or of the one that is looked at. */
function shares({ now }) {
  const { where } = now.answer;
  return ofPair(now) ? where.pairs.map((line) => line.map((region) => region[now.pair[0]][now.pair[1]])) : where.values;
}

/** What each region adds, with every combination counted, as colours and as numbers. */
function drawShares(context, sheet, scene) {
  const { answer, spot, together } = scene.now;
  const { region } = answer.where;
  const shown = shares(scene);
  fillMap(context, spread(shown, region, sheet.side), 0, 0, sheet.pixel, diverging(limitOf(shown)));
  drawPicture(context, answer.process.image, sheet, true);
  const all = together && !spot && answer.where.interactions;
  if (spot || all) drawTogether(context, answer.where, spot, (place) => boxOf(place, region, sheet));
  const numbers = scene.shares.regions.map((line, row) => line.map((value, column) => (answer.where.values[row][column] === 0 ? null : value)));
  // Of all lines at once, the numbers would hide the ends.
  if (!all) drawNumbers(context, numbers, (row, column) => boxOf([row, column], region, sheet), scene.shares.decimals);
  if (spot) drawFrame(context, boxOf(spot, region, sheet));
}

/** [[row, column], value] of each region that some cell sees together with this one, the strongest first. */
export function worksWith(where, spot) {
  return linked(where, spot).map(([one, other, value]) => [same(one, spot) ? other : one, value]);
}

/** [one, other, value] of two regions each, the strongest first: those of one region, or all that stand out. */
function linked({ interactions = [] }, spot) {
  const links = interactions.filter(({ value }) => value !== 0).map(({ regions: [one, other], value }) => [one, other, value]);
  if (spot) return links.filter((link) => includes(link.slice(0, 2), spot));
  return links.slice(0, LINES.most).filter(([, , value]) => Math.abs(value) >= LINES.least * strongest({ interactions }));
}

/** What the thickest line stands for: one scale for the whole picture. */
function strongest({ interactions }) {
  return limitOf(interactions.map(({ value }) => value));
}

/** Lines between regions that work together, and against each other: the thicker and the darker, the more. */
function drawTogether(context, where, spot, boxOfPlace) {
  const links = linked(where, spot);
  if (!links.length) return;
  const limit = strongest(where);
  const shade = diverging(limit);
  const middle = (place) => {
    const [x, y, width, height] = boxOfPlace(place);
    return [x + width / 2, y + height / 2];
  };
  context.lineCap = "round";
  for (const [one, other, value] of links.reverse()) {
    const thickness = 1 + (LINES.thickest - 1) * (Math.abs(value) / limit);
    for (const [wide, style] of [[thickness + 2, colour("paper")], [thickness, `rgb(${shade(value).join()})`]]) {
      context.lineWidth = wide;
      context.strokeStyle = style;
      context.beginPath();
      context.moveTo(...middle(one));
      context.lineTo(...middle(other));
      context.stroke();
    }
  }
  context.lineCap = "butt";
}

/** What each pair has on the empty picture and gets of the regions, or the class. */
function sumOfShares(said, { now, shares: shown }) {
  const { where } = now.answer;
  const [target, versus] = [where.target, where.versus].map((one) => nameOf(one));
  const total = ofPair(now) ? said.pairName(now.pair) : versus === null ? said.logit(target) : said.difference(target, versus);
  const count = where.values.flat().filter((value) => value !== 0).length;
  return [
    [said.emptyPicture(nameOf(where.empty.predicted)), shown.empty],
    [said.regions(count), shown.all],
    [total, shown.total],
  ];
}

const shapley = {
  draw: drawShares,
  heading: (said, { where: { target, versus = null } }, pair) => (pair ? said.pairName(pair) : said.sharesOf(nameOf(target), nameOf(versus))),
  values: shares,
  shown: ({ shares: { decimals, regions } }) => ({ decimals, numbers: regions.flat() }),
  unit: (said) => said.scaleShare,
  sum: sumOfShares,
  legend: (said, { now: { answer, spot, together }, inked, sheet }) => [
    ...((spot || together) && linked(answer.where, spot).length ? [["together", said.legendTogether], ["against", said.legendAgainst]] : inked(said)),
    ...(letterOf(answer.where.region * sheet.pixel) && !(together && !spot) ? [["figure", said.legendShare(answer.where.region)]] : []),
  ],
};

/** The cells of a pair's map as they are written: they add up to what stands in the table. */
function shownCells({ cells, decimals }, map, k) {
  return roundRowsToTotal(map, cells[k], decimals);
}

/** A pair's map, each cell on the pixels that are its own. */
function drawPair(context, sheet, { now: { answer, pair }, ledger, table }) {
  const k = indexOf(ledger, pair);
  const { map } = ledger.shown[k];
  const { first, pitch } = cellsOf(network());
  const [start, cell] = [first * sheet.pixel, pitch * sheet.pixel];
  drawBlank(context, sheet);
  fillMap(context, map, start, start, cell, diverging(limitOf(ledger.shown.map((each) => each.map))));
  drawPicture(context, answer.process.image, sheet, true);
  const numbers = shownCells(table, map, k).map((line, row) => line.map((value, column) => (map[row][column] === 0 ? null : value)));
  drawNumbers(context, numbers, (row, column) => [start + column * cell, start + row * cell, cell, cell], table.decimals);
}

/**
 * What the map can show: how it is drawn, its heading, the values of its scale, the numbers beside it as they are shown, the name of the
 * scale, its sum, its legend.
 */
const SHOWN = {
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
    values: ({ ledger }) => ledger.shown.map((each) => each.map),
    shown: ({ ledger, table }) => ({ decimals: table.decimals, numbers: ledger.shown.flatMap(({ map }, k) => shownCells(table, map, k).flat()) }),
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

/**
 * A map of the picture with its scale and its sum, of either network. It can be pointed at and pressed; what is given shows a scene in one
 * of the ways of SHOWN, and gives {shown, sheet, guessed}.
 */
export function mapIn(canvas, scale, sum) {
  const width = widthOf(canvas, refresh);
  const strip = tile(1);
  const numbers = Array.from({ length: 3 }, () => element("span"));
  scale.append(strip, ...numbers);
  play(canvas);
  return (name, scene) => {
    const { answer, guess: made } = scene.now;
    const shown = SHOWN[name];
    const sheet = { side: side(), pixel: width() / side() };
    const guessed = answer && made?.shown && name === modeOf(answer.question);
    if (width()) {
      const context = sharp(canvas, width());
      shown.draw(context, sheet, scene);
      if (guessed) drawGuess(context, sheet, answer.where);
    }
    canvas.dataset.shown = name;
    canvas.dataset.region = answer?.where.region ?? "";
    scale.classList.toggle("unseen-scale", !shown.values);
    if (shown.values) fillScale(strip, numbers, shown, scene);
    fillSum(sum, (answer && shown.sum?.(words(), scene)) || [], scene.shares?.decimals ?? 0);
    return { shown, sheet, guessed };
  };
}

function fillScale(strip, [least, middle, most], { values, shown, unit }, scene) {
  paintStrip(strip, diverging(1));
  const { decimals: fixed, numbers } = shown(scene);
  const { value, decimals } = endOfScale(limitOf(values(scene)), fixed, numbers);
  least.textContent = number(-value, decimals);
  middle.textContent = unit(words(), scene);
  most.textContent = number(value, decimals, true);
}

const showMap = mapIn(byId("heatmap"), byId("scale"), byId("shares"));

function mode({ answer, pair, spot }) {
  if (!answer) return "empty";
  // Of Shapley values there are those of a pair.
  const split = answer.question === "shapley" && answer.where.pairs;
  if (open() && !pair) return "guess";
  return pair && !spot && !split ? "pair" : modeOf(answer.question);
}

function ink(said) {
  return [["dot", said.legendInk]];
}

/** `scene` is {now, ledger, table, shares}: the state, what the pairs add, and what is shown of it. */
export function showHeatmap(scene) {
  const { answer, pair, spot, question } = scene.now;
  const name = mode(scene.now);
  const { shown, sheet, guessed } = showMap(name, scene);
  byId("where-title").textContent = shown.heading(words(), answer, spot ? null : pair);
  byId("shares").hidden = byId("together").hidden = question !== "shapley" || name === "guess";
  byId("together").disabled = !answer?.where.interactions;
  byId("together").setAttribute("aria-pressed", scene.now.together);
  const inked = answer && !isColour(answer.process.image) ? ink : () => [];
  const entries = answer && shown.legend ? shown.legend(words(), { ...scene, inked, sheet }) : [];
  showLegend(guessed ? [...entries, ...guess.legend(words())] : entries);
}

function showLegend(entries) {
  byId("legend").replaceChildren(...entries.map(([kind, text]) => element("li", "", element("span", { class: `key-${kind}`, "aria-hidden": true }), text)));
}

function look(row, column) {
  const [rows, columns] = state.answer.where.grid;
  const spot = [clip(row, 0, rows - 1), clip(column, 0, columns - 1)];
  if (spot.join() !== state.spot?.join()) set({ spot });
}

function press() {
  if (open() && state.answer && state.spot) return mark(state.spot);
  if (state.answer?.question === "grounds" && state.spot) toggle(state.spot);
}

/** Have a map pointed at and pressed, with mouse, finger or keys: both networks see the same picture. */
function play(canvas) {
  const point = (event) => {
    if (!state.answer) return;
    const { region } = state.answer.where;
    look(...pointed(canvas, event).map((share) => Math.floor((share * side()) / region)));
  };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("click", press);
  canvas.addEventListener("pointerleave", (event) => {
    // A finger that is lifted has pointed: what it pointed at stays until something else is touched.
    if (event.pointerType !== "touch") set({ spot: null });
  });
  // Who presses the other map has pointed at it before it gets the focus.
  canvas.addEventListener("blur", ({ relatedTarget }) => relatedTarget?.matches(".heatmap") || set({ spot: null }));
  canvas.addEventListener("keydown", key);
}

function key(event) {
  const arrow = ARROWS[event.key];
  if (event.key === "Escape" && state.spot) {
    // Only what is pointed at is left, and not the presentation.
    event.preventDefault();
    set({ spot: null });
  }
  const pressed = event.key === "Enter" || event.key === " ";
  if (!(arrow || pressed) || !state.answer) return;
  event.preventDefault();
  if (pressed) return press();
  const from = state.spot ?? state.answer.where.grid.map((count) => Math.floor(count / 2));
  look(from[0] + arrow[0], from[1] + arrow[1]);
}

byId("together").addEventListener("click", () => set({ together: !state.together }));
