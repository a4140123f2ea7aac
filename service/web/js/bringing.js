// The ways to bring a picture: a sample, a file, a drop, a paste.

import { pictureStep, sampleStep } from "./drawing/pictures.js";
import { show } from "./state.js";
import { words } from "./words.js";

const MISREAD = [
  { name: "misread-6505", truth: 9, digit: 0 },
  { name: "misread-543", truth: 8, digit: 3 },
  { name: "misread-4265", truth: 4, digit: 7 },
];
const at = (id) => document.getElementById(id);

function sampleButton(name, label) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.testid = `sample-${name}`;
  const image = document.createElement("img");
  Object.assign(image, { src: `/web/digits/${name}.png`, width: 28, height: 28, alt: "" });
  button.append(image);
  show(() => button.setAttribute("aria-label", label()));
  return { name, button };
}

/** `brought` is called with the step for the drawing, `failed` with what went wrong. */
export function bringing(brought, failed) {
  const bring = (step) => step.then(brought, failed);
  const digits = Array.from({ length: 10 }, (_, digit) => sampleButton(String(digit), () => words().sample(digit)));
  const misread = MISREAD.map(({ name, truth, digit }) => sampleButton(name, () => words().misreadSample(truth, digit)));
  at("samples").append(...digits.map(({ button }) => button));
  at("misread").append(...misread.map(({ button }) => button));
  for (const { name, button } of [...digits, ...misread]) button.addEventListener("click", () => bring(sampleStep(name)));

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
