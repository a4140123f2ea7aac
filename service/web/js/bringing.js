// The ways to bring a picture: a sample, a file, a drop, a paste.

import { pictureStep, sampleStep } from "./drawing/pictures.js";
import { listed, show } from "./state.js";
import { words } from "./words.js";

const at = (id) => document.getElementById(id);
const NONE = { pictures: [], right: [], wrong: [] };

/** `brought` is called with the step for the drawing and, for a network's own sample, the class to compare with; `failed` with what went wrong. */
export function bringing(brought, failed) {
  const bring = (step, versus = null) => step.then((one) => brought(one, versus), failed);
  samples((name, versus) => bring(sampleStep(name), versus));

  const file = at("file");
  at("choose").addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    if (file.files.length) bring(pictureStep(file.files[0]));
    // So that choosing the same file again is a change.
    file.value = "";
  });
  document.addEventListener("paste", (event) => {
    const [picture] = event.clipboardData?.files ?? [];
    if (picture) bring(pictureStep(picture));
  });
  // The whole page takes a drop: a picture that misses the square must not replace the page.
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    at("drop").classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) at("drop").classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    at("drop").classList.remove("over");
    const [picture] = event.dataTransfer.files;
    if (picture) bring(pictureStep(picture));
  });
}

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

/**
 * Ten digits that every network reads, and what samples.json lists for the network that is chosen or for its data set:
 * `pictures` of each class, and those that are read right and wrong. `taken` is called with the name of a sample, and
 * with the class to compare with where there is one.
 */
function samples(taken) {
  const digits = Array.from({ length: 10 }, (_, digit) => {
    const one = button(String(digit), "");
    one.addEventListener("click", () => taken(String(digit), null));
    show(() => one.setAttribute("aria-label", words().sample(digit)));
    return one;
  });
  at("samples").append(...digits);
  const file = fetch("/web/digits/samples.json").then((response) => response.json());
  let shown = "";
  show(async ({ model }) => {
    const network = listed(model);
    const wanted = `${model} ${words().language}`;
    // Before a network is chosen, there is nothing that it reads.
    if (!network || wanted === shown) return;
    shown = wanted;
    const all = await file.catch(() => ({}));
    if (wanted !== shown) return;
    const { pictures, right, wrong } = { ...NONE, ...all[network.dataset], ...all[model] };
    fill("pictures", pictures, network, taken);
    fill("right", right, network, taken);
    fill("misread", wrong, network, taken);
  });
}

/** A row of samples, each with its truth and what is read. */
function fill(id, own, { classes: names, input: { channels } }, taken) {
  at(`${id}-title`).hidden = !own.length;
  // Names that are longer than a digit stand below the pictures, on a line each.
  const named = names.some((name) => [...name].length > 2);
  at(id).classList.toggle("named", named);
  at(id).classList.toggle("colour", channels > 1);
  const buttons = own.map(({ name, truth, predicted = truth, versus = null }) => {
    const said = words();
    const label =
      truth !== predicted ? said.misreadSample(names[truth], names[predicted])
      : versus === null ? said.sample(names[truth])
      : said.rightSample(names[truth], names[versus]);
    const reading = truth === predicted ? "" : `${named ? "\n" : " "}→ ${names[predicted]}`;
    const one = button(name, label, names[truth] + reading);
    one.addEventListener("click", () => taken(name, versus));
    return one;
  });
  at(id).replaceChildren(...buttons);
}
