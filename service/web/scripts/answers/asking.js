// Asks the service about the drawing, again after every change, and shows only the newest answer.

import { account, indexOf } from "./account.js";
import { pairsOf } from "./network.js";
import { latest, remember, remembered } from "../shared.js";
import { beside, explains, listed, refresh, region, set, state, target, versus } from "../state.js";

/** What went wrong, by a key into the words; `detail` is the service's own sentence, if it said one. */
export class Refusal extends Error {
  constructor(kind, detail = "") {
    super(detail || kind);
    this.kind = kind;
    this.detail = detail;
  }
}

const KEY = "konkyo-key";

let key = remembered(KEY, "sessionStorage");

/** Answer with a key from now on, in this tab alone: a service may have been given keys. */
export function useKey(given) {
  key = given;
  remember(KEY, given, "sessionStorage");
}

/** Whether the service is answered with a key. */
export function hasKey() {
  return Boolean(key);
}

/** The query of an operation, without what is not set. */
export function query(parameters) {
  const set = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString();
}

// A proxy says so of a service that it does not reach.
const AWAY = [502, 504];

/**
 * What the service answers, as JSON or as a blob. A refusal says why: the service's reason, or that it failed, has too much to do, or is not
 * there. What else goes wrong is a mistake of the page.
 */
async function fetched(path, { headers = {}, ...options } = {}, form = "json") {
  let response;
  try {
    response = await fetch(path, { ...options, headers: key ? { ...headers, "X-API-Key": key } : headers });
    if (response.ok) return await response[form]();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("unreachable");
  }
  // A proxy in between may answer with something else than a problem.
  const problem = await response.json().catch(() => ({}));
  const slug = (problem.type ?? "").split(":").pop();
  const refused = slug === "unauthorized" && hasKey() ? "wrong-key" : slug;
  const { status } = response;
  throw new Refusal(status === 503 ? "busy" : AWAY.includes(status) ? "unreachable" : status >= 500 ? "failed" : refused || "refused", problem.detail);
}

/** Ask about a picture; the answer as JSON, or with another `format` as a blob. */
export function ask(path, picture, parameters, signal) {
  const options = { method: "POST", body: picture, headers: { "Content-Type": picture.type }, signal };
  return fetched(`${path}?${query(parameters)}`, options, parameters.format ? "blob" : "json");
}

export function models() {
  return fetched("/models");
}

const cards = new Map();

/** What the service says of one network: asked for once. */
export function card(name) {
  if (!cards.has(name)) {
    const asked = fetched(`/models/${encodeURIComponent(name)}`);
    cards.set(name, asked);
    asked.catch(() => cards.delete(name));
  }
  return cards.get(name);
}

/** The logits of an image of numbers, exactly as they are: a file would round them. */
export async function logits(name, image, shape) {
  const images = { name: "images", datatype: "FP32", shape: [1, ...shape], data: image.flat(Infinity) };
  const body = JSON.stringify({ inputs: [images], outputs: [{ name: "logits" }] });
  const path = `/v2/models/${encodeURIComponent(name)}/infer`;
  return (await fetched(path, { method: "POST", body, headers: { "Content-Type": "application/json" } })).outputs[0].data;
}

/** Whether the service is there. */
async function alive() {
  return fetch("/readyz").then(
    (response) => response.ok,
    () => false,
  );
}

/** `classes` are {target, versus} as they are asked about, by name; `pairs` says whether values can be split by pair. */
export const QUESTIONS = {
  occlusion: {
    path: "/explain/occlusion",
    parameters: (classes) => ({ region: region(), ...classes }),
    pairs: true,
  },
  shapley: {
    path: "/explain/shapley",
    parameters: (classes) => classes,
    pairs: true,
  },
  // Grounds are those of the prediction.
  grounds: {
    path: "/explain/grounds",
    parameters: () => ({}),
    pairs: false,
  },
};

// While a stroke is drawn there is an answer this often; at its end at once.
const WHILE_DRAWING = 70;
const RETRY = 1000;
// An explanation that is older than the drawing looks so from then on; sooner, it would flicker.
const STALE = 350;
// So many maps of a layer, and so many pairs, come with an answer; of wider layers those that matter most.
const TOP = 16;
// So many numbers of an answer by region and pair are worth their time.
const MOST_BY_PAIR = 40_000;

const main = document.querySelector("main");
let staleness;

function age(stale) {
  clearTimeout(staleness);
  staleness = null;
  main.classList.toggle("stale", stale);
}

export class Asker {
  #turns = latest();
  #controller = null;
  #timer = null;
  #asking = false;
  #state = "answered";
  // Whether a stroke went on while an answer was under way.
  #behind = false;
  #waiting = false;

  /** `back` is called when the service is there again. */
  constructor(drawing, back) {
    Object.assign(this, { drawing, back });
  }

  /** The picture that the answer on the page is about, and how it was sent. */
  shown = null;

  /** Whether an answer is to come. */
  get pending() {
    return this.#state === "asking";
  }

  /**
   * It is "asking" until the answer is "shown", and "answered" when the parts of it have come too, which are seen where somebody points.
   * The page says so for whoever must wait: tests, above all.
   */
  #mark(what) {
    this.#state = main.dataset.state = what;
  }

  changed(settled) {
    this.#mark("asking");
    staleness ??= setTimeout(() => main.classList.add("stale"), STALE);
    if (settled) this.ask();
    else if (this.#asking) this.#behind = true;
    else this.#timer ??= setTimeout(() => this.ask(false), WHILE_DRAWING);
  }

  /** Ask about the drawing as it is. While it is not `settled`, nobody points at a part of the answer. */
  async ask(settled = true) {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#behind = false;
    this.#mark("asking");
    this.#controller?.abort();
    // Aborting stops most old answers; the number stops one that had already come.
    const current = this.#turns();
    this.#controller = new AbortController();
    if (this.drawing.empty) {
      this.shown = null;
      this.#asking = false;
      this.#mark("answered");
      age(false);
      set({ answer: null, input: null, pair: null, spot: null });
      return;
    }
    // What the networks are comes first; then it is asked again.
    if (!state.models.length) return;
    this.#asking = true;
    const { signal } = this.#controller;
    try {
      const found = await this.#answer(state.model, signal);
      if (!current()) return;
      this.#show(found);
      this.#asking = false;
      if (this.#behind) return this.changed(false);
      if (settled && state.answer) {
        this.#mark("shown");
        await this.#askParts(found, signal, current);
      }
      // While the parts were asked for, another stroke may have begun.
      if (!current() || (settled && state.answer && this.#state !== "shown")) return;
      this.#mark("answered");
      if (settled) await this.#askBeside(signal, current);
    } catch (error) {
      if (!current()) return;
      this.#asking = false;
      this.fail(error);
      this.#mark("answered");
    }
  }

  /** Ask how the values split by pair, and which regions work together: seen only where somebody points, they come last. */
  async #askParts({ picture, answer, path, asked }, signal, current) {
    const { question } = answer;
    const parts = { pairs: byPair(question, asked.model) || null, interactions: question === "shapley" || null };
    if (!parts.pairs && !parts.interactions) return;
    const where = await ask(path, picture, { ...asked, ...parts }, signal);
    if (!current()) return;
    Object.assign(answer.where, where);
    refresh();
  }

  /** Ask the network beside it the same. */
  async #askBeside(signal, current) {
    const name = beside();
    const { answer } = state;
    if (!name || !answer) return;
    const { answer: second } = await this.#answer(name, signal);
    if (current() && name === beside()) set({ second: { ...second, of: answer } });
  }

  async #answer(model, signal) {
    const { question, pinned, versus: contrast } = state;
    const facts = await card(model);
    if (model === state.model) state.card = facts;
    const { classes } = listed(model);
    const name = (number) => (number === null ? null : classes[number]);
    const picture = this.drawing.file();
    const sent = { ...how(this.drawing, facts), model };
    const { path, parameters } = QUESTIONS[question];
    const read = (one, other) => ask("/explain/process", picture, { ...sent, target: name(one), versus: name(other), top: TOP }, signal);
    // No class is compared with itself, and which one is read is known only when it has been read.
    let other = contrast === pinned ? null : contrast;
    let reading = read(pinned, pinned === null ? null : other);
    if (pinned === null && other !== null) {
      const first = await reading;
      if (first.predicted === other) other = null;
      // Of many pairs, those that matter most for one class may not be those that set it apart.
      const all = first.contributions[0].flat().length === first.pairs.length;
      if (other !== null && !all) reading = read(first.predicted, other);
    }
    const asked = { ...sent, ...parameters({ target: name(pinned), versus: name(other) }) };
    const [process, where] = await Promise.all([reading, ask(path, picture, asked, signal)]);
    return { picture, sent, path, asked, answer: { process, question, where } };
  }

  #show({ picture, sent, answer }) {
    age(false);
    const { process, where } = answer;
    if (process.input.warnings.some(({ code }) => code === "empty")) {
      // Where there is nothing, there is nothing to explain.
      this.shown = null;
      set({ answer: null, input: process.input, problem: null, pair: null, spot: null });
      return;
    }
    this.shown = { picture, sent };
    const [rows, columns] = where.grid;
    const spot = state.spot && state.spot[0] < rows && state.spot[1] < columns ? state.spot : null;
    set({ answer, input: null, problem: null, spot });
    // A class to compare with that became the class itself is none any more.
    if (versus() === null && state.versus !== null) set({ versus: null });
    if (state.pair && indexOf(account(process, target(), versus()), state.pair) < 0) set({ pair: null });
  }

  /** Say what went wrong; if the service is not there, wait until it is. */
  fail(error) {
    if (this.pending) age(true);
    const refused = error instanceof Refusal;
    // A mistake of the page is said, and stands in the console.
    if (!refused) reportError(error);
    set({ problem: refused ? { kind: error.kind, detail: error.detail } : { kind: "mistake", detail: "" } });
    if (["unreachable", "busy"].includes(state.problem.kind)) this.#wait();
  }

  async #wait() {
    if (this.#waiting) return;
    this.#waiting = true;
    do await new Promise((resolve) => setTimeout(resolve, RETRY));
    while (!(await alive()));
    this.#waiting = false;
    this.back();
  }
}

/** How a picture is sent: as it is, or to be fitted; what is drawn here is dark on light. */
function how(drawing, { input: { side, channels }, preprocessing }) {
  const { picture } = drawing;
  if (picture) return { fit: picture.width === side && picture.height === side ? null : "auto" };
  // A network that sees colours takes a picture as it is.
  return { fit: "auto", polarity: preprocessing === "mnist" || channels > 1 ? null : "dark-on-light" };
}

/** Whether the answer to a question can be split by pair, and has not too many numbers then. */
function byPair(question, model) {
  const said = explains(question);
  if (!QUESTIONS[question].pairs || said?.cannot?.some(({ what }) => what === "pairs")) return false;
  const network = listed(model);
  const [inputs, filters] = pairsOf(network);
  const square = question === "occlusion" ? region() : said?.region ?? region();
  return inputs * filters * Math.ceil(network.input.side / square) ** 2 <= MOST_BY_PAIR;
}
