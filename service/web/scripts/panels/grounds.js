// The grounds on the picture: the regions that prove it, those that change it, what is hidden by hand, and what is read then.

import { logits, Refusal } from "../answers/asking.js";
import { changed, channelsOf, fillOf, isColour, sideOf } from "../answers/network.js";
import { percents, predictedOf, softmax } from "../answers/numbers.js";
import { byId, latest, words, writeText } from "../shared.js";
import { boxOf, colour, drawFrame, drawHidden, drawOutlined, fillImage, groupOf, spread } from "../painting.js";
import { nameOf, set, state } from "../state.js";

const hiding = latest();

export function same([row, column], [otherRow, otherColumn]) {
  return row === otherRow && column === otherColumn;
}

export function includes(places, place) {
  return places.some((one) => same(one, place));
}

/** The image with these regions hidden, by a network's own fill. */
function without({ process: { image }, where: { fill } }, places, region) {
  const hidden = new Set(places.map(([row, column]) => `${row},${column}`));
  const values = fillOf(image, fill);
  const placeOf = (row, column) => `${Math.floor(row / region)},${Math.floor(column / region)}`;
  return changed(image, (value, row, column, channel) => (hidden.has(placeOf(row, column)) ? values[channel] : value));
}

function shapeOf(image) {
  const side = sideOf(image);
  return isColour(image) ? [channelsOf(image).length, side, side] : [side, side];
}

/** Hide a region, or show it again. */
export function toggle(place) {
  const hidden = includes(state.hidden, place);
  if (!hidden && !includes(state.answer.where.players, place)) return;
  hide(hidden ? state.hidden.filter((one) => !same(one, place)) : [...state.hidden, place]);
}

/** {predicted, share}: what a network reads with these regions hidden. */
async function readWithout(answer, places, region) {
  const image = without(answer, places, region);
  const left = await logits(answer.process.model.name, image, shapeOf(image));
  const predicted = predictedOf(left);
  return { predicted, share: percents(softmax(left))[predicted] };
}

/** Have exactly these regions hidden, and ask what is read then; none for what is asked about anew. Nothing else says what is hidden. */
export async function hide(places) {
  const current = hiding();
  set({ hidden: places, live: [] });
  const { answer, second } = state;
  if (!places.length || answer?.question !== "grounds") return;
  const both = second?.of === answer ? [answer, second] : [answer];
  try {
    const live = await Promise.all(both.map((one) => readWithout(one, places, answer.where.region)));
    if (current()) set({ live });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (current()) set({ hidden: [], problem: { kind: error.kind, detail: error.detail } });
  }
}

// How much of its darkness the ink keeps that may be hidden, and how much of its colours a picture.
const SHADED = { ink: 0.4, colour: 0.35 };

const panel = byId("playing");
const live = byId("live");

function draw(context, sheet, { now: { answer, hidden, spot } }) {
  const { process, where } = answer;
  const { region, sufficient, players, contrast } = where;
  const { side, pixel } = sheet;
  const stays = rows(where, (place) => includes(sufficient.regions, place) || !includes(players, place));
  drawShaded(context, process.image, spread(stays, region, side), pixel);
  for (const place of hidden) strikeOut(context, boxOf(place, state.answer.where.region, sheet), process.image, where.fill);
  if (contrast) contrast.regions.forEach((place) => drawDashes(context, boxOf(place, region, sheet)));
  drawOutlined(context, groupOf(sufficient.regions, region, where.grid, side), pixel, "accent", 3);
  if (spot && includes(players, spot)) drawFrame(context, boxOf(spot, region, sheet));
}

function rows({ grid: [height, width] }, of) {
  return Array.from({ length: height }, (_, row) => Array.from({ length: width }, (_, column) => of([row, column])));
}

/** The picture, pale where it is not `kept`. */
function drawShaded(context, image, kept, pixel) {
  const coloured = isColour(image);
  // Paper is 0 where ink is drawn.
  const paper = coloured ? parseInt(colour("paper").slice(1, 3), 16) / 255 : 0;
  const share = SHADED[coloured ? "colour" : "ink"];
  const shaded = changed(image, (value, row, column) => (kept[row][column] ? value : paper + share * (value - paper)));
  fillImage(context, shaded, pixel);
}

/** A region that is hidden, as the network sees it, with a cross. */
function strikeOut(context, box, image, fill) {
  const [x, y, width, height] = box;
  drawHidden(context, box, image, fill);
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
  for (const [dashes, thickness, name] of [[[], 4, "paper"], [[5, 4], 2, "ink"]]) {
    context.setLineDash(dashes);
    context.lineWidth = thickness;
    context.strokeStyle = colour(name);
    context.strokeRect(x + 6, y + 6, width - 12, height - 12);
  }
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

function others({ players, sufficient }) {
  return players.filter((place) => !includes(sufficient.regions, place));
}

byId("hide-others").addEventListener("click", () => hide(others(state.answer.where)));
byId("hide-contrast").addEventListener("click", () => hide(state.answer.where.contrast.regions));
byId("show-all").addEventListener("click", () => hide([]));

/** The buttons that hide and show, and what is read with what is hidden. */
export function showPlaying({ answer, question, hidden, live: [now], guess }) {
  panel.hidden = question !== "grounds" || Boolean(guess && !guess.shown);
  const where = answer?.question === "grounds" ? answer.where : null;
  byId("hide-others").disabled = !where || !others(where).length;
  byId("hide-contrast").disabled = !where?.contrast;
  byId("show-all").disabled = !where || !hidden.length;
  const text = where ? liveWords(words(), where, hidden, now) : "";
  if (text !== null) writeText(live, text);
}

/** What is read of an answer with what is hidden; null until it is known. */
export function liveWords(said, { predicted: usual }, hidden, now) {
  if (!hidden.length) return said.liveNothing(nameOf(usual));
  return now ? said.live({ count: hidden.length, predicted: nameOf(now.predicted), share: now.share, stays: now.predicted === usual }) : null;
}
