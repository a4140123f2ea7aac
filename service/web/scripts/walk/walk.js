// A walk from the picture to the class, layer by layer, and each closely: for a lecture.

import { account, places } from "../answers/account.js";
import { activationsOf, isColour, pairsOf, partsOf, rectifies, sideOf, stagesOf } from "../answers/network.js";
import { number, percents, roundToTotal, softmax } from "../answers/numbers.js";
import { button, byId, element, enlargement, stepBy, words } from "../shared.js";
import { nameOf, network, state } from "../state.js";
import { buildFigure, columnsOf, linkFigure, onMap, showAdded } from "./figure.js";
import { showSoftmax, weigh } from "./head.js";
import { Closer } from "./window.js";

// What the walk is laid out on; on a larger screen it is enlarged.
const SHEET = [1280, 800];

const dialog = byId("walk-dialog");
const figure = byId("figure");
const box = byId("closer");
const sentence = byId("step");
const dots = byId("dots");
const back = byId("back");
const forward = byId("forward");
const closer = new Closer(box);
let step = 0;
// Each {name, layers, stage, closer}: its sentence, the last column of the figure that is shown, and what is shown closely in its place.
let steps = [];
let stops = [];
// {process, network, card, usual}: what is shown closely, and of which maps first.
let facts = null;
// {target, map}: the class and the map of the last stage whose weights are shown.
let weighed = null;
// The map of the figure whose way is lit.
let lit = null;

/** The steps through a network: each column of the figure, each convolution closely, and the first pool. */
function stepsOf(model) {
  let pooled = false;
  return columnsOf(model).flatMap(({ kind, stage }, layers) => {
    const one = { name: kind, layers, stage };
    const closely = (name, part) => [one, { name, layers, stage, closer: part }];
    if (kind === "convolution") return closely("convolutionCloser", kind);
    if (kind === "pool" && !pooled) {
      pooled = true;
      return closely("poolCloser", kind);
    }
    // The weights of cells of overlapping means cannot be told from those of their places.
    const { pool } = model.stages.at(-1);
    if (kind === "affine") return pool?.kind === "mean" && pool.stride < pool.side ? [one] : closely("affineCloser", kind);
    if (kind === "logit") return closely("softmax", "softmax");
    return [one];
  });
}

function buildStops() {
  stops = steps.map(({ closer: closely }, k) => button({ class: closely ? "small" : "", pressed: () => go(k) }));
  dots.replaceChildren(...stops.map((stop) => element("li", "", stop)));
}

function fit() {
  const zoom = enlargement(SHEET);
  Object.assign(dialog.style, { zoom, width: `${window.innerWidth / zoom}px`, height: `${window.innerHeight / zoom}px` });
}

export function openWalk() {
  if (dialog.open) return;
  fit();
  dialog.showModal();
  step = 0;
  showWalk();
}

export function showWalk() {
  if (!dialog.open || !state.answer) return;
  const { process } = state.answer;
  if (facts?.process !== process) look(process);
  build();
  go(Math.min(step, steps.length - 1));
}

/** Look at another picture, or at another network. */
function look(process) {
  const model = network();
  const card = state.card?.name === model.name ? state.card : null;
  const [[i, j]] = account(process, process.predicted, null).ranking;
  // The pair that adds most; of the stages before, what makes its map.
  const usual = [];
  let [input, filter] = [i, j];
  for (const stage of [...stagesOf(model)].reverse()) {
    usual[stage.number] = [input, filter];
    if (stage.number > 0) {
      const before = stagesOf(model)[stage.number - 1];
      ({ filter, input = process.stages[stage.number - 2]?.shown[0] ?? 0 } = partsOf(before, input));
    }
  }
  const last = stagesOf(model).at(-1);
  facts = { process, network: model, card, usual };
  weighed = { target: process.predicted, map: last.paired ? i * last.filters + j : j };
  steps = stepsOf(model);
  buildStops();
}

function build() {
  // What is hidden has no size.
  figure.hidden = false;
  buildFigure(figure, facts);
}

/** Go to a step; `choice` says which map is to be shown closely. */
function go(to, choice = null) {
  // What has the focus may be taken away, and the arrow keys with it.
  const leaves = box.contains(document.activeElement) || document.activeElement.closest(".node, .class");
  if (leaves && to !== step) forward.focus();
  step = Math.min(Math.max(to, 0), steps.length - 1);
  const { name, layers, stage, closer: closely } = steps[step];
  figure.hidden = Boolean(closely);
  box.hidden = !closely;
  closer.stop();
  if (closely) showClosely(closely, stage, choice);
  else showFigure(layers);
  stops.forEach((stop, k) => {
    stop.setAttribute("aria-label", words().stepOf(k + 1, steps.length));
    if (k === step) stop.setAttribute("aria-current", "step");
    else stop.removeAttribute("aria-current");
  });
  // Not `disabled`: a button that is disabled while it has the focus swallows the arrow keys.
  back.setAttribute("aria-disabled", step === 0);
  forward.setAttribute("aria-disabled", step === steps.length - 1);
  sentence.replaceChildren(words().steps[name](stage ? saidOf(stage) : said()), ...(stage ? curvesOf(name, stage) : []));
}

function showFigure(layers) {
  for (const part of figure.querySelectorAll("[data-from]")) {
    part.classList.toggle("future", Number(part.dataset.from) > layers);
    part.classList.toggle("now", Number(part.dataset.from) === layers);
  }
  figure.classList.toggle("over", step === steps.length - 1);
  light(null);
  figure.querySelector(`[data-from="${layers}"]`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** Have the way of a map of the figure stand out, or of none. */
function light(map) {
  lit = map;
  drawLinks();
  showAdded(figure, facts, lit);
}

function drawLinks() {
  linkFigure(figure, steps[step].layers, facts, lit);
}

function showClosely(kind, stage, choice) {
  if (kind === "softmax") showSoftmax(box, facts.process);
  else if (kind === "affine") showWeights(choice ?? weighed);
  else {
    const [input, filter] = facts.usual[stage.number];
    const map = stage.paired ? input * stage.filters + filter : filter;
    closer.show(kind, stage.number, facts, kind === "pool" ? [map] : [input, filter], choice);
  }
}

function showWeights(choice) {
  // The button that was pressed is built anew.
  const focused = [...box.querySelectorAll("button")].indexOf(document.activeElement);
  weighed = choice;
  weigh(box, facts, weighed, showWeights);
  box.querySelectorAll("button")[focused]?.focus();
}

/** What is pressed in the figure is shown closely: a map, or a class. */
onMap(figure, (from, k) => {
  const columns = columnsOf(facts.network);
  const { kind, stage } = columns[from];
  const closely = (name, number) => steps.findIndex((one) => one.name === name && (number === undefined || one.stage?.number === number));
  if (kind === "affine") return go(closely("affineCloser"), { ...weighed, target: k });
  if (!stage) return;
  const map = facts.process.stages[stage.number].shown[k];
  const { input = facts.usual[stage.number][0], filter } = partsOf(stage, map);
  const last = stage.number === facts.network.stages.length - 1;
  if (kind === "convolution") go(closely("convolutionCloser", stage.number), [input, filter]);
  else if (closely("poolCloser", stage.number) >= 0) go(closely("poolCloser", stage.number), [map]);
  else if (last) go(closely("affineCloser"), { ...weighed, map });
  else go(closely("convolutionCloser", stage.number + 1), [map, facts.usual[stage.number + 1][1]]);
});

// Who points at a map, or has the focus on it, sees its way; who points at none sees that of the one that has the focus.
const stageMap = (one) => one?.closest?.(".convolution .node, .pool .node") ?? null;
const LOOKS = {
  pointerover: ({ target }) => stageMap(target) ?? stageMap(document.activeElement),
  pointerleave: () => stageMap(document.activeElement),
  focusin: ({ target }) => stageMap(target),
  focusout: ({ relatedTarget }) => stageMap(relatedTarget),
};
for (const [kind, look] of Object.entries(LOOKS)) figure.addEventListener(kind, (event) => look(event) !== lit && light(look(event)));
figure.addEventListener("scroll", drawLinks);
figure.addEventListener("keydown", (event) => {
  const one = event.target.closest(".node, .class");
  const to = { ArrowUp: one?.previousElementSibling, ArrowDown: one?.nextElementSibling }[event.key];
  if (!one || !event.key.startsWith("Arrow") || event.key === "ArrowLeft" || event.key === "ArrowRight") return;
  event.preventDefault();
  if (!to?.matches("button")) return;
  [one.tabIndex, to.tabIndex] = [-1, 0];
  to.focus();
});

/** The numbers and names that stand in the sentences about a stage. */
function saidOf(stage) {
  const pools = facts.network.stages.slice(0, stage.number).some((one) => one.pool);
  const border = stage.number === 0 && facts.card?.input.border?.some((value) => value !== 0);
  return {
    ...stage,
    stage: stage.number + 1,
    first: stage.number === 0,
    again: pools,
    colour: isColour(facts.process.image),
    border,
    zeroes: rectifies(stage),
    before: activationsOf({ ...stage, after: "none" }).map((one) => state.activations[one].words),
    behind: activationsOf({ ...stage, activation: "none" }).map((one) => state.activations[one].words),
    mean: stage.pool?.kind === "mean",
    of: stage.pool?.side,
  };
}

/** The curve of each activation but ReLU, where the sentence speaks of it. */
function curvesOf(name, stage) {
  if (rectifies(stage) || name === "convolutionCloser" || (stage.pool && !name.startsWith("pool"))) return [];
  return activationsOf(stage).map((one) => curve(state.activations[one]));
}

const CURVE = { width: 72, height: 48 };

function curve({ words: name, curve: values }) {
  const most = Math.max(...values.map(Math.abs), 1);
  const { width, height } = CURVE;
  const points = values.map((value, k) => `${(k * width) / (values.length - 1)},${(height / 2) * (1 - value / most)}`);
  return element(
    "svg",
    { class: "curve", viewBox: `-1 -1 ${width + 2} ${height + 2}`, role: "img", "aria-label": name },
    element("path", { class: "axis", d: `M0 ${height / 2}H${width}M${width / 2} 0V${height}` }),
    element("path", { class: "values", d: `M${points.join("L")}` }),
  );
}

/** Those about the picture and the head. */
function said() {
  const { process } = facts;
  const { predicted } = process;
  const one = account(process, predicted, null);
  const [first, second] = places(one).map((pair) => words().pairName(pair));
  const [sum, bias] = roundToTotal([one.pairs, one.filterBias + one.classBias], one.logit, 2);
  const [inputs, filters] = pairsOf(facts.network);
  return {
    side: sideOf(process.image),
    colour: isColour(process.image),
    hidden: facts.network.head.hidden,
    between: facts.network.head.activation === "relu" ? null : state.activations[facts.network.head.activation]?.words,
    pairs: inputs * filters,
    classes: process.logits.length,
    predicted: nameOf(predicted),
    sum: number(sum, 2),
    bias: number(bias, 2),
    logit: number(one.logit, 2),
    share: percents(softmax(process.logits))[predicted],
    first,
    second,
  };
}

back.addEventListener("click", () => go(step - 1));
forward.addEventListener("click", () => go(step + 1));
byId("walk-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => closer.stop());
dialog.addEventListener("keydown", (event) => {
  const to = stepBy(event.key, step, steps.length);
  if (to === null) return;
  event.preventDefault();
  go(to);
});
window.addEventListener("resize", fit);

// The sides of the maps follow the window.
let size = "";
new ResizeObserver(() => {
  const now = `${figure.clientWidth}×${figure.clientHeight}`;
  if (!dialog.open || figure.hidden || now === size) return;
  size = now;
  build();
  showFigure(steps[step].layers);
}).observe(figure);
new ResizeObserver(() => dialog.open && !box.hidden && closer.repaint()).observe(box);
