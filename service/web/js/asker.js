// Asks the service about the drawing, again after every change, and shows only the newest answer.

import { Refusal, alive, ask } from "./api.js";
import { QUESTIONS } from "./questions.js";
import { set, state, versus } from "./state.js";

// While a stroke is drawn there is an answer this often; at its end at once.
const WHILE_DRAWING = 70;
const RETRY = 1000;
// An explanation that is older than the drawing looks so from then on; sooner, it would flicker.
const STALE = 350;

const main = document.querySelector("main");
let staleness;

/** For whoever must wait until the page shows the answer to what was done last: tests, above all. */
function mark(what) {
  main.dataset.state = what;
}

function age(stale) {
  clearTimeout(staleness);
  staleness = null;
  main.classList.toggle("stale", stale);
}

export class Asker {
  #turn = 0;
  #controller = null;
  #timer = null;
  #asking = false;
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
    return main.dataset.state === "asking";
  }

  changed(settled) {
    mark("asking");
    staleness ??= setTimeout(() => main.classList.add("stale"), STALE);
    if (settled) this.ask();
    else if (this.#asking) this.#behind = true;
    else this.#timer ??= setTimeout(() => this.ask(), WHILE_DRAWING);
  }

  async ask() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#behind = false;
    mark("asking");
    this.#controller?.abort();
    // Aborting stops most old answers; the number stops one that had already come.
    const turn = (this.#turn += 1);
    this.#controller = new AbortController();
    if (this.drawing.empty) {
      this.shown = null;
      this.#asking = false;
      mark("answered");
      age(false);
      set({ answer: null, input: null, pair: null, spot: null, hidden: [], live: null });
      return;
    }
    this.#asking = true;
    try {
      const answer = await this.#answer(this.#controller.signal);
      if (turn === this.#turn) this.#show(answer);
    } catch (error) {
      if (turn === this.#turn) this.fail(error);
    }
    if (turn !== this.#turn) return;
    this.#asking = false;
    mark("answered");
    if (this.#behind) this.changed(false);
  }

  async #answer(signal) {
    const picture = this.drawing.file();
    const sent = { fit: this.drawing.picture?.exact ? null : "auto", model: state.model };
    const { question, pinned, versus: contrast } = state;
    const { path, parameters, pairs } = QUESTIONS[question];
    const reading = ask("/explain/process", picture, sent, signal);
    // No class is compared with itself, and which one is read is known only when it has been read.
    const target = pinned ?? (contrast === null ? null : (await reading).predicted);
    const classes = { target: pinned, versus: contrast === target ? null : contrast };
    const asked = { ...sent, ...parameters(state, classes), pairs: pairs || null };
    const [process, where] = await Promise.all([reading, ask(path, picture, asked, signal)]);
    return { picture, sent, answer: { process, question, where } };
  }

  #show({ picture, sent, answer }) {
    age(false);
    const { process, where } = answer;
    if (process.input.warnings.some(({ code }) => code === "empty")) {
      // Where there is nothing, there is nothing to explain.
      this.shown = null;
      set({ answer: null, input: process.input, problem: null, pair: null, spot: null, hidden: [], live: null });
      return;
    }
    this.shown = { picture, sent };
    const [rows, columns] = where.grid;
    const spot = state.spot && state.spot[0] < rows && state.spot[1] < columns ? state.spot : null;
    const { length: filters1 } = process.conv1_filters;
    const pair = state.pair && state.pair[0] < filters1 && state.pair[1] < process.conv2_filters.length ? state.pair : null;
    set({ answer, input: null, problem: null, pair, spot });
    // A class to compare with that became the class itself is none any more.
    if (versus() === null && state.versus !== null) set({ versus: null });
  }

  /** Say what went wrong; if the service is not there, wait until it is. */
  fail(error) {
    if (main.dataset.state === "asking") age(true);
    const refusal = error instanceof Refusal ? error : new Refusal("unreachable");
    set({ problem: { kind: refusal.kind, detail: refusal.detail } });
    if (["unreachable", "busy"].includes(refusal.kind)) this.#wait();
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
