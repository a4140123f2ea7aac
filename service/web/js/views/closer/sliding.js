// The clock of the window that slides: slow along the first row, so that each step is seen, then fast.

const FIRST_ROW = 4000;
const REST = 8000;

/** Whether the window may move by itself. */
export const still = matchMedia("(prefers-reduced-motion: reduce)");

/** After so many milliseconds the window has come to this place of `rows` × `columns`, counted row by row. */
function placeAt(time, rows, columns) {
  const rest = (time - FIRST_ROW) / REST;
  const place = rest < 0 ? (time / FIRST_ROW) * columns : columns * (1 + rest * (rows - 1));
  return Math.min(Math.floor(place), rows * columns - 1);
}

export class Sliding {
  #frame = null;
  #time = 0;

  /** `moved` is called with each place, and with null at the end. */
  constructor(moved) {
    this.moved = moved;
  }

  get running() {
    return this.#frame !== null;
  }

  /** From the first place, or from where it was paused. */
  start(rows, columns) {
    let last = null;
    const tick = (now) => {
      this.#time += last === null ? 0 : now - last;
      last = now;
      this.#frame = requestAnimationFrame(tick);
      const place = placeAt(this.#time, rows, columns);
      this.moved(place);
      if (place < rows * columns - 1) return;
      this.reset();
      this.moved(null);
    };
    this.#frame = requestAnimationFrame(tick);
  }

  pause() {
    cancelAnimationFrame(this.#frame);
    this.#frame = null;
  }

  reset() {
    this.pause();
    this.#time = 0;
  }
}
