// What the page shows, in one place. Views are told after a change, all changes of one turn together.

import { sideOf } from "./answers/network.js";

// The side of a hidden region, until the service has said which is usual: on larger images a larger one.
const USUAL = { small: 2, large: 4, from: 33 };
// The networks of the digits have these classes.
const DIGITS = Array.from({ length: 10 }, (_, number) => String(number));

export const state = {
  model: null, // a checkpoint's name
  models: [], // what GET /models says of each
  activations: {}, // {words, curve} of each that they have, by name
  usual: null, // the name of the one that answers where none is named
  card: null, // what GET /models/{name} says of the chosen one
  region: null, // side of a hidden region in pixels; null is the usual one
  pinned: null, // the class that was asked about; null explains what is read
  versus: null, // the class to compare with: everything that is explained is the difference target − versus
  question: "occlusion", // which one is asked about the regions: a key of QUESTIONS
  answer: null, // {process, question, where}: `where` answers the question, about the same picture as `process`
  example: null, // the class of the example in the square
  input: null, // what was done with a picture on which there is nothing to read
  pair: null, // [map, filter] that is looked at
  spot: null, // [row, column] of the region that is looked at
  unit: "probability", // what the bars show, or "logit"
  together: false, // whether all regions that work together are linked, and not only those of the one that is looked at
  hidden: [], // [row, column] of the regions that are hidden by hand, to try out the grounds
  live: [], // what is read with them hidden, {predicted, share}: by the chosen network and by the one beside it
  beside: null, // the name of a network that is asked the same, beside the chosen one
  second: null, // its answer, and with `of` the one that it stands beside
  guess: null, // what is guessed before the answer is shown: {marks, digit, shown}; null shows it at once
  present: null, // the view that fills a projector: a key of VIEWS; null is the page
  problem: null, // {kind, detail} of what went wrong
};

const views = [];
let scheduled = false;

/** Have a function called with the state after every change. */
export function onChange(view) {
  views.push(view);
}

export function set(changes) {
  Object.assign(state, changes);
  refresh();
}

/** Draw everything anew, once, before this turn of the browser ends. */
export function refresh() {
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    for (const view of views) view(state);
  });
}

/** The number of a class, unless the network whose answer is shown has no such class: a link may name another network. */
function known(number) {
  return number !== null && number < (state.answer?.process.logits.length ?? Infinity) ? number : null;
}

/** The class that is explained. */
export function target() {
  return known(state.pinned) ?? state.answer?.process.predicted ?? null;
}

/** Have a class explained. Who asks about the predicted one follows the prediction when it changes. */
export function pin(number) {
  set({ pinned: number === state.answer?.process.predicted ? null : number });
}

/** The class to compare with, unless it is the class itself. */
export function versus() {
  const contrast = known(state.versus);
  return contrast === target() ? null : contrast;
}

/** What `GET /models` says of a network. */
export function listed(name) {
  return state.models.find((model) => model.name === name) ?? null;
}

/** The networks that can stand beside one: they see the same picture, and know the same classes. */
export function comparable(model) {
  const one = listed(model);
  const form = ({ classes, input }) => JSON.stringify([classes, input.side, input.channels]);
  return one ? state.models.filter((other) => other.name !== model && form(other) === form(one)) : [];
}

/** The network that is asked beside the chosen one, if there is such a network. */
export function beside() {
  return comparable(state.model).some(({ name }) => name === state.beside) ? state.beside : null;
}

/** The network whose answer is shown; before there is one, the network that is chosen. */
export function network() {
  return listed(state.answer?.process.model.name ?? state.model);
}

/** Side of the image in pixels. */
export function side() {
  return state.answer ? sideOf(state.answer.process.image) : network()?.input.side ?? 28;
}

/** Whether the network that is chosen takes pictures in colour. */
export function takesColour() {
  return (listed(state.model)?.input.channels ?? 1) > 1;
}

/** Whether it reads digits. */
export function readsDigits() {
  return !takesColour() && (listed(state.model)?.classes ?? DIGITS).join() === DIGITS.join();
}

/** Whether its pictures are drawn by hand: strokes make no silhouette, no photograph and no measurement. */
export function isDrawn() {
  return !takesColour() && ((listed(state.model)?.preprocessing ?? "mnist") === "mnist" || readsDigits());
}

/** What the service says can be asked of the chosen network by an operation; null where it cannot be. */
export function explains(operation) {
  if (state.card?.name !== state.model || !state.card.explains) return { operation };
  return state.card.explains.find((one) => one.operation === operation) ?? null;
}

/** {least, most, usual}: the sides of hidden regions that can be chosen. */
export function regions() {
  const said = explains("occlusion");
  const pixels = listed(state.model)?.input.side ?? 28;
  const sides = said?.regions ?? [1, Math.floor(pixels / 2)];
  return { least: Math.min(...sides), most: Math.max(...sides), usual: said?.region ?? (pixels < USUAL.from ? USUAL.small : USUAL.large) };
}

/** The side of a hidden region that is asked about. */
export function region() {
  const { least, most, usual } = regions();
  return state.region !== null && state.region >= least && state.region <= most ? state.region : usual;
}

/** The names of its classes; until it is known, the digits. */
export function classNames() {
  return network()?.classes ?? DIGITS;
}

/** Whether it is the name of a class of several letters, and not a digit. */
export function isLong(name) {
  return [...name].length > 2;
}

/** The name of a class; where there is little room, cut to `most` letters; null stays null. */
export function nameOf(number, most = Infinity) {
  if (number === null || number === undefined) return null;
  const name = classNames()[number] ?? String(number);
  return [...name].length <= most ? name : `${[...name].slice(0, most - 1).join("").trimEnd()}…`;
}
