// The picture with what the chosen question says about its regions, or with one pair's map.

import { toggle } from "../hiding.js";
import { isColour } from "../image.js";
import { set, side, state } from "../state.js";
import { sharp } from "../tiles.js";
import { words } from "../words.js";
import { drawGuess, guess, mark, open } from "./guess.js";
import { SHOWN, fillScale, modeOf, scaleIn } from "./shown.js";
import { fillSum } from "./sum.js";

const at = (id) => document.getElementById(id);
const canvas = at("heatmap");
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const ownScale = scaleIn(at("scale"));

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

/** `scene` is {now, one, table, shares}: the state, and what the page makes of its answer. */
export function showHeatmap(scene) {
  const { answer, pair, spot, question } = scene.now;
  const name = mode(scene.now);
  const shown = SHOWN[name];
  const width = canvas.clientWidth;
  const context = sharp(canvas, width);
  const sheet = { side: side(), pixel: width / side() };
  shown.draw(context, sheet, scene);
  const guessed = answer && scene.now.guess?.shown && name === modeOf(answer.question);
  if (guessed) drawGuess(context, sheet, answer.where);
  canvas.dataset.shown = name;
  canvas.dataset.region = answer?.where.region ?? "";
  at("where-title").textContent = shown.heading(words(), answer, spot ? null : pair);
  fillScale(ownScale, shown, scene);
  const sum = answer && shown.sum?.(words(), scene);
  at("shares").hidden = question !== "shapley" || name === "guess";
  fillSum(at("shares"), sum || [], scene.table?.decimals ?? 0);
  const inked = answer && !isColour(answer.process.image) ? ink : () => [];
  const entries = answer && shown.legend ? shown.legend(words(), { ...scene, inked, sheet }) : [];
  showLegend(guessed ? [...entries, ...guess.legend(words())] : entries);
}

function showLegend(entries) {
  const items = entries.map(([kind, text]) => {
    const item = document.createElement("li");
    item.append(Object.assign(document.createElement("span"), { className: `key-${kind}`, ariaHidden: "true" }), text);
    return item;
  });
  at("legend").replaceChildren(...items);
}

function look(row, column) {
  const [rows, columns] = state.answer.where.grid;
  const spot = [Math.min(Math.max(row, 0), rows - 1), Math.min(Math.max(column, 0), columns - 1)];
  if (spot.join() !== state.spot?.join()) set({ spot });
}

function point(event) {
  if (!state.answer) return;
  const box = canvas.getBoundingClientRect();
  const { region } = state.answer.where;
  const place = (offset, size) => Math.floor(((offset / size) * side()) / region);
  look(place(event.clientY - box.top, box.height), place(event.clientX - box.left, box.width));
}

function press() {
  if (open() && state.answer && state.spot) return mark(state.spot);
  if (state.answer?.question === "grounds" && state.spot) toggle(state.spot);
}

canvas.addEventListener("pointermove", point);
canvas.addEventListener("pointerdown", point);
canvas.addEventListener("click", press);
canvas.addEventListener("pointerleave", (event) => {
  // A finger that is lifted has pointed: what it pointed at stays until something else is touched.
  if (event.pointerType !== "touch") set({ spot: null });
});
canvas.addEventListener("blur", () => set({ spot: null }));
canvas.addEventListener("keydown", (event) => {
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
});
