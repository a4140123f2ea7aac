// Taking something along: a link that restores the drawing, a picture, a command, a page that works without the service.

import { ask, hasKey, query, QUESTIONS, Refusal } from "../answers/asking.js";
import { pixelsStep, sampleStep } from "./pictures.js";
import { byId, element, words } from "../shared.js";
import { theme } from "../painting.js";
import { unmade } from "../panels/guess.js";
import { VIEWS } from "../panels/presenting.js";
import { classNames, state, target, versus } from "../state.js";

// The greatest number of a class, and the largest side of a region.
const MOST_CLASS = 63;
const MOST_REGION = 32;

// Bytes of a drawing as JSON: a link of a few of them could inflate to gigabytes.
const MOST_BYTES = 2 ** 20;

/** What comes out of a stream; refused beyond the limit, before it is there. */
async function through(bytes, stream) {
  const pieces = [];
  let size = 0;
  for await (const piece of iterated(new Blob([bytes]).stream().pipeThrough(stream))) {
    size += piece.length;
    if (size > MOST_BYTES) throw new RangeError("the drawing in the link is too large");
    pieces.push(piece);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** Not every browser iterates over a stream by itself. */
async function* iterated(stream) {
  const reader = stream.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    await reader.cancel();
  }
}

function base64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

async function pack(value) {
  const bytes = await through(new TextEncoder().encode(JSON.stringify(value)), new CompressionStream("deflate-raw"));
  return base64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

/** The value in a text; refused where the text is damaged. */
async function unpack(text) {
  try {
    const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate-raw"))));
  } catch {
    throw new Refusal("bad-link");
  }
}

/** A stroke as its first point and the steps to the others: small numbers pack well. */
function differences(points) {
  return points.map((place, k) => (k < 2 ? place : place - points[k - 2]));
}

function sums(steps) {
  const points = [];
  for (const step of steps) points.push(points.length < 2 ? step : points.at(-2) + step);
  return points;
}

/** The drawing as JSON. A brought picture becomes what the network saw of it: the file itself would be too long. */
function written(drawing, seen) {
  const steps = drawing.visible;
  if (steps.some((step) => step.mask && !step.name)) return seen ? { seen: seen.flat(Infinity).map((value) => Math.round(255 * value)) } : [];
  return steps.map((step) => step.name || [Number(step.erase), ...differences(step.points)]);
}

async function read(value) {
  const numbers = (all) => Array.isArray(all) && all.every(Number.isFinite);
  const steps = Array.isArray(value) && value.every((step) => typeof step === "string" || numbers(step));
  if (!steps && !numbers(value?.seen)) throw new Refusal("bad-link");
  if (!steps) return [await pixelsStep(value.seen)];
  return Promise.all(
    value.map((step) =>
      typeof step === "string" ? sampleStep(step) : { erase: Boolean(step[0]), points: sums(step.slice(1)) },
    ),
  );
}

/** The fragment for a drawing and what is asked about it. */
export async function fragment(drawing, seen, { model, beside, region, question, pinned, versus, hidden, guess, present }) {
  const asked = {
    model,
    beside,
    region,
    question: question === "occlusion" ? null : question,
    target: pinned,
    versus,
    hidden: hidden.length ? writtenPlaces(hidden) : null,
    guess: guess ? "first" : null,
    present,
  };
  const set = Object.entries(asked).filter(([, value]) => value !== null);
  const parameters = new URLSearchParams(set.map(([name, value]) => [name, String(value)]));
  if (!drawing.empty) parameters.set("drawing", await pack(written(drawing, seen)));
  return `#${parameters}`;
}

/** Regions as a text like 2.3-4.5. */
function writtenPlaces(regions) {
  return regions.map((place) => place.join(".")).join("-");
}

/** The regions in such a text. */
function places(text) {
  const found = (text ?? "").split("-").filter((part) => /^\d{1,2}\.\d{1,2}$/.test(part));
  return found.map((part) => part.split(".").map(Number));
}

function within(text, least, most) {
  const value = text === null ? NaN : Number(text);
  return Number.isInteger(value) && value >= least && value <= most ? value : null;
}

/** What a fragment says: {steps, changes, language}. What it does not say, or what makes no sense, is left out. */
export async function restored(text) {
  const parameters = new URLSearchParams(text.replace(/^#/, ""));
  const changes = {
    model: parameters.get("model"),
    beside: parameters.get("beside"),
    region: within(parameters.get("region"), 1, MOST_REGION),
    question: Object.hasOwn(QUESTIONS, parameters.get("question")) ? parameters.get("question") : "occlusion",
    hidden: places(parameters.get("hidden")),
    pinned: within(parameters.get("target"), 0, MOST_CLASS),
    versus: within(parameters.get("versus"), 0, MOST_CLASS),
    guess: parameters.get("guess") === "first" ? unmade() : null,
    present: VIEWS.find((view) => view === parameters.get("present")) ?? null,
  };
  const packed = parameters.get("drawing");
  return { changes, steps: packed ? await read(await unpack(packed)) : [], language: parameters.get("language") };
}

// On the page and in the bar of a presentation.
const done = ["done", "present-done"].map(byId);
const dialog = byId("text-dialog");
const text = byId("text");
const SHOWN_FOR = 6000;
let timer;

function tell(sentence) {
  for (const one of done) one.textContent = sentence;
  clearTimeout(timer);
  timer = setTimeout(() => done.forEach((one) => (one.textContent = "")), SHOWN_FOR);
}

/** Onto the clipboard; where a browser forbids that, shown to be copied by hand. */
export async function copy(content, sentence) {
  try {
    await navigator.clipboard.writeText(content);
    tell(sentence);
  } catch {
    text.value = content;
    dialog.showModal();
    text.select();
  }
}

/** Where the service answers what a part of the page shows, and with which parameters. */
function asked(part) {
  const name = (number) => (number === null ? null : classNames()[number]);
  const classes = { target: name(target()), versus: name(versus()) };
  if (part === "ledger") return ["/explain/filters", classes];
  if (part === "process") return ["/explain/process", {}];
  const { path, parameters } = QUESTIONS[state.question];
  return [path, parameters(classes)];
}

/** A command for a shell that carries the picture in itself and asks for what a part of the page shows. */
export async function command(part, { picture, sent }) {
  const [path, parameters] = asked(part);
  const url = `${location.origin}${path}?${query({ ...sent, ...parameters })}`;
  // The key itself is nothing to hand on.
  const key = hasKey() ? '-H "X-API-Key: $KONKYO_KEY" ' : "";
  return `echo ${base64(new Uint8Array(await picture.arrayBuffer()))} | base64 -d | curl -s ${key}-F file=@- '${url}'`;
}

/** What the service draws of what the page shows, as it is seen: its theme, its language, the regions that are hidden. */
function drawn(name, form, { picture, sent }) {
  const [path, parameters] = asked(name);
  const seen = { theme: theme(), language: form === "png" ? null : document.documentElement.lang };
  if (name === "heatmap" && state.question === "grounds" && state.hidden.length) seen.hide = writtenPlaces(state.hidden);
  if (name === "heatmap" && state.question === "shapley" && state.together) seen.interactions = true;
  return ask(path, picture, { ...sent, ...parameters, format: form, scale: form === "png" ? 2 : null, ...seen });
}

function download(name, form, blob) {
  const link = element("a");
  link.href = URL.createObjectURL(blob);
  const part = name === "heatmap" && state.question !== "occlusion" ? state.question : name;
  link.download = `konkyo-${part}-${target()}.${form}`;
  link.click();
  // The browser has its own copy once the download has begun.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  tell(words().saved[form]);
}

/** Save it as a picture. */
export async function save(name, form, shown) {
  download(name, form, await drawn(name, form, shown));
}

let ready = null;

/** The button's text: how large the handout is, once it is there. */
export function showHandout(button, { question, answer, hidden }) {
  button.hidden = question !== "grounds";
  const key = [answer, hidden, document.documentElement.lang, theme()];
  if (ready && ready.key.some((one, place) => one !== key[place])) ready = null;
  button.textContent = words().handout(ready && ready.size);
}

/** Make the handout, and say how large it is; when asked again, save it. */
export async function handout(button, shown) {
  if (ready) return download("heatmap", "html", ready.blob);
  const key = [state.answer, state.hidden, document.documentElement.lang, theme()];
  const blob = await drawn("heatmap", "html", shown);
  ready = { key, blob, size: words().kilobytes(Math.ceil(blob.size / 1000)) };
  showHandout(button, state);
  tell(words().handoutReady(ready.size));
}
