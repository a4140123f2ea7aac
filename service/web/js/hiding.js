// Regions that are hidden by hand: the picture without them, and what is read then.

import { Refusal, logits } from "./api.js";
import { changed, channelsOf, fillOf, isColour, sideOf } from "./image.js";
import { softmax } from "./ledger.js";
import { set, state } from "./state.js";

let turn = 0;

export function same([row, column], [otherRow, otherColumn]) {
  return row === otherRow && column === otherColumn;
}

export function includes(places, place) {
  return places.some((one) => same(one, place));
}

/** The image with these regions hidden. */
export function without({ image }, { region, fill }, places) {
  const hidden = new Set(places.map(([row, column]) => `${row},${column}`));
  const values = fillOf(image, fill);
  const at = (row, column) => `${Math.floor(row / region)},${Math.floor(column / region)}`;
  return changed(image, (value, row, column, channel) => (hidden.has(at(row, column)) ? values[channel] : value));
}

function shapeOf(image) {
  const side = sideOf(image);
  return isColour(image) ? [channelsOf(image).length, side, side] : [side, side];
}

/** Hide a region, or show it again; one of the grounds stays. */
export function toggle(place) {
  const { where } = state.answer;
  const hidden = includes(state.hidden, place);
  if (!hidden && (includes(where.sufficient.regions, place) || !includes(where.players, place))) return;
  hide(hidden ? state.hidden.filter((one) => !same(one, place)) : [...state.hidden, place]);
}

/** Have exactly these regions hidden, and ask what is read then. */
export async function hide(places) {
  const mine = (turn += 1);
  set({ hidden: places, live: null });
  const { answer } = state;
  if (!places.length || answer?.question !== "grounds") return;
  try {
    const image = without(answer.process, answer.where, places);
    const shares = softmax(await logits(answer.process.model.name, image, shapeOf(image)));
    const predicted = shares.indexOf(Math.max(...shares));
    if (mine === turn) set({ live: { predicted, probability: shares[predicted] } });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (mine === turn) set({ hidden: [], problem: { kind: error.kind, detail: error.detail } });
  }
}
