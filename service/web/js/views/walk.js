// A walk from the picture to the digit, layer by layer, and each closely: for a lecture.

import { weights } from "../api.js";
import { account, pairName, places, softmax } from "../ledger.js";
import { number, percent, roundToTotal } from "../numbers.js";
import { nameOf, state } from "../state.js";
import { words } from "../words.js";
import { Closer } from "./closer/closer.js";
import { showSoftmax } from "./closer/softmax.js";
import { weigh } from "./closer/weighing.js";
import { buildFigure, linkFigure, onMap } from "./figure.js";

// The name of each step, how many layers of the figure are shown, and what is shown closely in its place.
const STEPS = [
  { name: "picture", layers: 0 },
  { name: "conv1", layers: 1 },
  { name: "conv1Closer", layers: 1, closer: "conv1" },
  { name: "pool1", layers: 2 },
  { name: "pool1Closer", layers: 2, closer: "pool1" },
  { name: "conv2", layers: 3 },
  { name: "conv2Closer", layers: 3, closer: "conv2" },
  { name: "pool2", layers: 4 },
  { name: "affine", layers: 5 },
  { name: "affineCloser", layers: 5, closer: "affine" },
  { name: "logit", layers: 6 },
  { name: "softmax", layers: 6, closer: "softmax" },
  { name: "read", layers: 7 },
];
const LAST = STEPS.length - 1;

const dialog = document.getElementById("walk-dialog");
const figure = document.getElementById("figure");
const box = document.getElementById("closer");
const sentence = document.getElementById("step");
const dots = document.getElementById("dots");
const back = document.getElementById("back");
const forward = document.getElementById("forward");
const closer = new Closer(box);
let step = 0;
// {process, weights, usual}: what is shown closely, and of which maps first.
let facts = null;
// {target, map}: the class and the map of pool2 whose weights are shown.
let weighed = null;

const stops = STEPS.map(({ closer: closely }, k) => {
  const button = document.createElement("button");
  button.type = "button";
  button.classList.toggle("small", Boolean(closely));
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

/** Open the walk with the network's weights, or throw a Refusal. */
export async function openWalk() {
  const { process } = state.answer;
  const { sha256, name } = process.model;
  if (facts?.weights.model.sha256 !== sha256) facts = { weights: await weights(name) };
  if (state.answer?.process !== process || dialog.open) return;
  fit();
  dialog.showModal();
  step = 0;
  showWalk();
}

export function showWalk() {
  if (!dialog.open || !state.answer) return;
  const { process } = state.answer;
  // A link may have chosen another network: its weights are not here.
  if (facts.weights.model.sha256 !== process.model.sha256) return dialog.close();
  if (facts.process !== process) {
    const [[i, j]] = account(process, process.predicted, null).ranking;
    const map = process.conv2_filters[0].length === 1 ? i * process.conv2_filters.length + j : j;
    facts = { weights: facts.weights, process, usual: { conv1: [i], pool1: [i], conv2: [i, j] } };
    weighed = { target: process.predicted, map };
  }
  buildFigure(figure, process);
  go(step);
}

/** Go to a step; `choice` says which map is to be shown closely. */
function go(to, choice = null) {
  // What has the focus may be taken away, and the arrow keys with it.
  if (box.contains(document.activeElement) && to !== step) forward.focus();
  step = Math.min(Math.max(to, 0), LAST);
  const { name, layers, closer: closely } = STEPS[step];
  const { process } = facts;
  figure.hidden = Boolean(closely);
  box.hidden = !closely;
  closer.stop();
  if (closely) showClosely(closely, choice);
  else showFigure(layers);
  stops.forEach((stop, k) => {
    stop.setAttribute("aria-label", words().stepOf(k + 1, STEPS.length));
    if (k === step) stop.setAttribute("aria-current", "step");
    else stop.removeAttribute("aria-current");
  });
  // Not `disabled`: a button that is disabled while it has the focus swallows the arrow keys.
  back.setAttribute("aria-disabled", step === 0);
  forward.setAttribute("aria-disabled", step === LAST);
  sentence.textContent = words().steps[name](said(process));
}

function showFigure(layers) {
  for (const part of figure.querySelectorAll("[data-from]")) {
    part.classList.toggle("future", Number(part.dataset.from) > layers);
    part.classList.toggle("now", Number(part.dataset.from) === layers);
  }
  figure.classList.toggle("over", step === LAST);
  linkFigure(figure, layers);
  figure.querySelector(`[data-from="${layers}"]`)?.scrollIntoView({ block: "nearest", inline: "center" });
}

function showClosely(kind, choice) {
  if (kind === "softmax") showSoftmax(box, facts.process);
  else if (kind === "affine") showWeights(choice ?? weighed);
  else closer.show(kind, facts, choice);
}

function showWeights(choice) {
  // The button that was pressed is built anew.
  const focused = [...box.querySelectorAll("button")].indexOf(document.activeElement);
  weighed = choice;
  weigh(box, facts, weighed, showWeights);
  box.querySelectorAll("button")[focused]?.focus();
}

/** What is pressed in the figure is shown closely. */
onMap(figure, (layer, k) => {
  const { conv2_filters: filters } = facts.process;
  const pair = filters[0].length === 1 ? [Math.floor(k / filters.length), k % filters.length] : [facts.usual.conv1[0], k];
  const at = (name) => STEPS.findIndex((one) => one.name === name);
  if (layer === 1) go(at("conv1Closer"), [k]);
  else if (layer === 2) go(at("pool1Closer"), [k]);
  else if (layer === 3) go(at("conv2Closer"), pair);
  else if (layer === 4) go(at("affineCloser"), { ...weighed, map: k });
  else if (layer === 5) go(at("affineCloser"), { ...weighed, target: k });
});

/** The numbers and names that stand in the sentences. */
function said(process) {
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
    classes: process.logits.length,
    kernel1: process.conv1_filters[0].length,
    kernel2: process.conv2_filters[0][0].length,
    side1: process.conv1[0].length,
    side2: process.conv2[0].length,
    predicted: nameOf(predicted),
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
dialog.addEventListener("close", () => closer.stop());
dialog.addEventListener("keydown", (event) => {
  const steps = { ArrowRight: step + 1, PageDown: step + 1, ArrowLeft: step - 1, PageUp: step - 1, Home: 0, End: LAST };
  const to = steps[event.key];
  if (to === undefined) return;
  event.preventDefault();
  go(to);
});
window.addEventListener("resize", fit);
new ResizeObserver(() => dialog.open && !figure.hidden && linkFigure(figure, STEPS[step].layers)).observe(figure);
new ResizeObserver(() => dialog.open && !box.hidden && closer.repaint()).observe(box);
