// The link that restores a drawing. All of it stands in the fragment, which browsers send to nobody.

import { pixelsStep, sampleStep } from "./drawing/pictures.js";
import { VIEWS } from "./presenting.js";
import { QUESTIONS } from "./questions.js";
import { unmade } from "./views/guess.js";

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

async function pack(value) {
  const bytes = await through(new TextEncoder().encode(JSON.stringify(value)), new CompressionStream("deflate-raw"));
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate-raw"))));
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
  if (value.seen) return [await pixelsStep(value.seen)];
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
    hidden: hidden.length ? hidden.map((place) => place.join(".")).join("-") : null,
    guess: guess ? "first" : null,
    present,
  };
  const set = Object.entries(asked).filter(([, value]) => value !== null);
  const parameters = new URLSearchParams(set.map(([name, value]) => [name, String(value)]));
  if (!drawing.empty) parameters.set("drawing", await pack(written(drawing, seen)));
  return `#${parameters}`;
}

/** The regions in a text like 2.3-4.5. */
function places(text) {
  const found = (text ?? "").split("-").filter((part) => /^\d{1,2}\.\d{1,2}$/.test(part));
  return found.map((part) => part.split(".").map(Number));
}

function within(text, least, most) {
  const value = text === null ? NaN : Number(text);
  return Number.isInteger(value) && value >= least && value <= most ? value : null;
}

/** What a fragment says: {steps, changes}. What it does not say, or what makes no sense, is left out. */
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
  return { changes, steps: packed ? await read(await unpack(packed)) : [] };
}
