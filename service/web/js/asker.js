// Asks the service about the drawing, again after every change, and shows only the newest answer.

import { Refusal, alive, ask } from "./api.js";
import { set, state, versus } from "./state.js";

// While a stroke is drawn there is an answer this often; at its end at once.
const WHILE_DRAWING = 70;
const RETRY = 1000;

/** For whoever must wait until the page shows the answer to what was done last: tests, above all. */
function mark(what) {
  document.querySelector("main").dataset.state = what;
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

  changed(settled) {
    mark("asking");
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
      set({ answer: null, pair: null, spot: null });
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
    const sent = { fit: this.drawing.picture?.exact ? null : "mnist", model: state.model };
    const { region, pinned, versus: contrast } = state;
    const reading = ask("/explain/process", picture, sent, signal);
    // No class is compared with itself, and which one is read is known only when it has been read.
    const target = pinned ?? (contrast === null ? null : (await reading).predicted);
    const asked = { ...sent, region, target: pinned, versus: contrast === target ? null : contrast, pairs: true };
    const [process, occlusion] = await Promise.all([reading, ask("/explain/occlusion", picture, asked, signal)]);
    return { picture, sent, process, occlusion };
  }

  #show({ picture, sent, process, occlusion }) {
    this.shown = { picture, sent };
    const [rows, columns] = occlusion.grid;
    const spot = state.spot && state.spot[0] < rows && state.spot[1] < columns ? state.spot : null;
    const { length: filters1 } = process.conv1_filters;
    const pair = state.pair && state.pair[0] < filters1 && state.pair[1] < process.conv2_filters.length ? state.pair : null;
    set({ answer: { process, occlusion }, problem: null, pair, spot });
    // A contrast class that became the class itself is none any more.
    if (versus() === null && state.versus !== null) set({ versus: null });
  }

  /** Say what went wrong; if the service is not there, wait until it is. */
  fail(error) {
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
