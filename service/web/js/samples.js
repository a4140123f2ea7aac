// The digits that can be taken: right ones, and for each network those that it misreads.

import { show } from "./state.js";
import { words } from "./words.js";

const at = (id) => document.getElementById(id);

function button(name, label, caption = "") {
  const whole = document.createElement("button");
  whole.type = "button";
  whole.dataset.testid = `sample-${name}`;
  const image = document.createElement("img");
  Object.assign(image, { src: `/web/digits/${name}.png`, width: 28, height: 28, alt: "" });
  whole.append(image);
  if (caption) whole.append(Object.assign(document.createElement("span"), { className: "caption", textContent: caption }));
  whole.setAttribute("aria-label", label);
  return whole;
}

/** `taken` is called with the name of a sample, and with the truth where it is misread. */
export function samples(taken) {
  const digits = Array.from({ length: 10 }, (_, digit) => {
    const one = button(String(digit), "");
    one.addEventListener("click", () => taken(String(digit), null));
    show(() => one.setAttribute("aria-label", words().sample(digit)));
    return one;
  });
  at("samples").append(...digits);
  const misread = fetch("/web/digits/samples.json").then((response) => response.json());
  let shown = "";
  show(async ({ model }) => {
    const wanted = `${model} ${words().language}`;
    // Before a network is chosen, there is nothing that it misreads.
    if (!model || wanted === shown) return;
    shown = wanted;
    const { [model]: own = [] } = await misread.catch(() => ({}));
    if (wanted !== shown) return;
    at("misread-title").hidden = !own.length;
    const buttons = own.map(({ name, truth, predicted }) => {
      const one = button(name, words().misreadSample(truth, predicted), `${truth} → ${predicted}`);
      one.addEventListener("click", () => taken(name, truth));
      return one;
    });
    at("misread").replaceChildren(...buttons);
  });
}
