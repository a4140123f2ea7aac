// Guess first: regions are marked on the picture, or a class is chosen, before the page shows what it knows. The guess stays beside the answer.

import { sum } from "../answers/account.js";
import { number } from "../answers/numbers.js";
import { byId, fillOptions, words, writeText } from "../shared.js";
import { boxOf, colour, drawBlank, drawFrame, fillImage } from "../painting.js";
import { hide, includes, same } from "./grounds.js";
import { classNames, nameOf, set, state } from "../state.js";

const toggle = byId("guess");
const choice = byId("guess-class");
const show = byId("guess-show");
const sentence = byId("guessed");

/** A guess that nobody has made yet. */
export function unmade() {
  return { marks: [], digit: null, shown: false };
}

/** Whether the answer is kept back. */
export function open() {
  return state.guess !== null && !state.guess.shown;
}

/** Another picture or another question is guessed afresh. */
export function guessAgain() {
  if (state.guess) set({ guess: unmade() });
}

/** Mark a region, or take its mark away. What is read without a region is asked of one at a time. */
export function mark(place) {
  const { marks } = state.guess;
  const others = marks.filter((one) => !same(one, place));
  const kept = state.answer.question === "occlusion" ? [] : others;
  set({ guess: { ...state.guess, marks: others.length < marks.length ? others : [...kept, place] } });
}

/** A ring in each region that was guessed. */
export function drawGuess(context, sheet, { region }) {
  for (const place of state.guess.marks) {
    const [x, y, width, height] = boxOf(place, region, sheet);
    for (const [thickness, name] of [[6, "paper"], [3, "second"]]) {
      context.lineWidth = thickness;
      context.strokeStyle = colour(name);
      context.beginPath();
      context.ellipse(x + width / 2, y + height / 2, Math.max(width / 2 - 4, 2), Math.max(height / 2 - 4, 2), 0, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

function drawGrid(context, { region, grid: [rows, columns] }, { side, pixel }) {
  context.fillStyle = colour("hairline");
  context.globalAlpha = 0.5;
  for (let k = 1; k < columns; k += 1) context.fillRect(Math.round(k * region * pixel), 0, 1, side * pixel);
  for (let k = 1; k < rows; k += 1) context.fillRect(0, Math.round(k * region * pixel), side * pixel, 1);
  context.globalAlpha = 1;
}

function draw(context, sheet, { now: { answer } }) {
  const { process: { image }, where } = answer;
  drawBlank(context, sheet);
  fillImage(context, image, sheet.pixel);
  drawGrid(context, where, sheet);
  drawGuess(context, sheet, where);
  if (state.spot) drawFrame(context, boxOf(state.spot, where.region, sheet));
}

/** What the map shows while the answer is kept back. */
export const guess = {
  draw,
  heading: (said) => said.guessTitle,
  legend: (said) => (state.guess.marks.length ? [["ring", said.legendGuess]] : []),
};

/** What is asked, in the place of what is known. */
export function guessWords(said, { answer: { question, where } }) {
  const { predicted, target = predicted, versus = null } = where;
  return said.guess[question]({ predicted: nameOf(predicted), target: nameOf(target), versus: nameOf(versus) });
}

/** The guess beside the answer of a network, in words. */
export function outcome(said, { now: { answer: { question, where }, guess: { marks, digit } }, shares }) {
  if (!marks.length) return said.guessedNothing;
  if (question === "occlusion") {
    const [[row, column]] = marks;
    const left = where.prediction[row][column];
    return said.guessedOcclusion({ left: nameOf(left), digit: nameOf(digit), right: digit === left });
  }
  if (question === "grounds") {
    const { regions } = where.sufficient;
    return said.guessedGrounds({ count: marks.length, hit: regions.filter((place) => includes(marks, place)).length, kept: regions.length });
  }
  const { regions, decimals } = shares;
  const most = regions.flat().sort((one, other) => other - one).slice(0, marks.length);
  const [own, best] = [marks.map(([row, column]) => regions[row][column]), most].map((values) => number(sum(values), decimals, true));
  return said.guessedShapley({ count: marks.length, own, best });
}

export function showGuess(scene) {
  const said = words();
  const { answer, guess: made, question } = scene.now;
  toggle.setAttribute("aria-pressed", made !== null);
  byId("guess-box").hidden = !made;
  const known = answer && answer.question === question;
  byId("where").classList.toggle("guessing", Boolean(made && !made.shown && answer));
  if (!made) return;
  byId("guess-choice").hidden = question !== "occlusion" || made.shown;
  fillOptions(choice, [["–", ""], ...classNames().map((name, one) => [name, one])]);
  choice.value = String(made.digit ?? "");
  choice.disabled = show.disabled = !known;
  show.classList.toggle("strong", !made.shown);
  show.textContent = made.shown ? said.guessAgain : said.guessShow;
  writeText(sentence, made.shown && known ? outcome(said, scene) : "");
}

toggle.addEventListener("click", () => {
  hide([]);
  set({ guess: state.guess ? null : unmade(), spot: null });
});
choice.addEventListener("change", () => set({ guess: { ...state.guess, digit: choice.value === "" ? null : Number(choice.value) } }));
show.addEventListener("click", () => set({ guess: state.guess.shown ? unmade() : { ...state.guess, shown: true }, spot: null }));
