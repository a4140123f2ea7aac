// A walk from the picture to the digit, one layer a step: for a lecture.

import { account, pairName, places, softmax } from "../ledger.js";
import { number, percent, roundToTotal } from "../numbers.js";
import { state } from "../state.js";
import { words } from "../words.js";
import { buildFigure, linkFigure } from "./figure.js";

const STEPS = ["picture", "conv1", "pool1", "conv2", "pool2", "affine", "logit", "read"];

const dialog = document.getElementById("walk-dialog");
const figure = document.getElementById("figure");
const sentence = document.getElementById("step");
const dots = document.getElementById("dots");
const back = document.getElementById("back");
const forward = document.getElementById("forward");
let step = 0;

const stops = STEPS.map((_, k) => {
  const button = document.createElement("button");
  button.type = "button";
  button.addEventListener("click", () => go(k));
  const item = document.createElement("li");
  item.append(button);
  dots.append(item);
  return button;
});

// What the walk is laid out on; on a larger screen it is enlarged.
const SHEET = [1280, 800];

function fit() {
  const zoom = Math.max(1, Math.min(window.innerWidth / SHEET[0], window.innerHeight / SHEET[1]));
  Object.assign(dialog.style, { zoom, width: `${window.innerWidth / zoom}px`, height: `${window.innerHeight / zoom}px` });
}

export function openWalk() {
  fit();
  dialog.showModal();
  showWalk();
  go(0);
}

export function showWalk() {
  if (!dialog.open || !state.answer) return;
  buildFigure(figure, state.answer.process);
  go(step);
}

function go(to) {
  step = Math.min(Math.max(to, 0), STEPS.length - 1);
  const { process } = state.answer;
  for (const part of figure.querySelectorAll("[data-from]")) {
    part.classList.toggle("future", Number(part.dataset.from) > step);
    part.classList.toggle("now", Number(part.dataset.from) === step);
  }
  figure.classList.toggle("over", step === STEPS.length - 1);
  linkFigure(figure, step);
  figure.querySelector(`[data-from="${step}"]`)?.scrollIntoView({ block: "nearest", inline: "center" });
  stops.forEach((stop, k) => {
    stop.setAttribute("aria-label", words().stepOf(k + 1, STEPS.length));
    if (k === step) stop.setAttribute("aria-current", "step");
    else stop.removeAttribute("aria-current");
  });
  // Not `disabled`: a button that is disabled while it has the focus swallows the arrow keys.
  back.setAttribute("aria-disabled", step === 0);
  forward.setAttribute("aria-disabled", step === STEPS.length - 1);
  sentence.textContent = words().steps[STEPS[step]](facts(process));
}

/** The numbers and names that stand in the sentences. */
function facts(process) {
  const { predicted } = process;
  const one = account(process, predicted, null);
  const [first, second] = places(one).map(pairName);
  const [sum, bias] = roundToTotal([one.pairs, one.filterBias + one.classBias], one.logit, 2);
  return {
    filters1: process.conv1.length,
    filters2: process.conv2_filters.length,
    maps: process.conv2.length,
    paired: process.conv2_filters[0].length === 1,
    pairs: one.ranking.length,
    predicted,
    sum: number(sum, 2),
    bias: number(bias, 2),
    logit: number(one.logit, 2),
    share: percent(softmax(process.logits)[predicted]),
    first,
    second,
  };
}

back.addEventListener("click", () => go(step - 1));
forward.addEventListener("click", () => go(step + 1));
document.getElementById("walk-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("keydown", (event) => {
  const to = { ArrowRight: step + 1, ArrowLeft: step - 1, Home: 0, End: STEPS.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  go(to);
});
window.addEventListener("resize", fit);
new ResizeObserver(() => dialog.open && linkFigure(figure, step)).observe(figure);
