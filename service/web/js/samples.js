// The digits that can be taken: ten that every network reads, and for each network its own, right ones and wrong ones.

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

/** `taken` is called with the name of a sample, and with the class to compare with where it is a network's own. */
export function samples(taken) {
  const digits = Array.from({ length: 10 }, (_, digit) => {
    const one = button(String(digit), "");
    one.addEventListener("click", () => taken(String(digit), null));
    show(() => one.setAttribute("aria-label", words().sample(digit)));
    return one;
  });
  at("samples").append(...digits);
  const listed = fetch("/web/digits/samples.json").then((response) => response.json());
  let shown = "";
  show(async ({ model, models }) => {
    const names = models.find(({ name }) => name === model)?.classes;
    const wanted = `${model} ${words().language}`;
    // Before a network is chosen, there is nothing that it reads.
    if (!names || wanted === shown) return;
    shown = wanted;
    const { [model]: own = { right: [], wrong: [] } } = await listed.catch(() => ({}));
    if (wanted !== shown) return;
    fill("right", own.right, names, taken);
    fill("misread", own.wrong, names, taken);
  });
}

/** A row of a network's own samples, each with its truth and what is read. */
function fill(id, own, names, taken) {
  at(`${id}-title`).hidden = !own.length;
  // Names that are longer than a digit stand below the pictures, on a line each.
  const named = names.some((name) => [...name].length > 2);
  at(id).classList.toggle("named", named);
  const buttons = own.map(({ name, truth, predicted, versus }) => {
    const label = truth === predicted ? words().rightSample(names[truth], names[versus]) : words().misreadSample(names[truth], names[predicted]);
    const reading = truth === predicted ? "" : `${named ? "\n" : " "}→ ${names[predicted]}`;
    const one = button(name, label, names[truth] + reading);
    one.addEventListener("click", () => taken(name, versus));
    return one;
  });
  at(id).replaceChildren(...buttons);
}
