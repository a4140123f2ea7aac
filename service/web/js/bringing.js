// The ways to bring a picture: a sample, a file, a drop, a paste.

import { pictureStep, sampleStep } from "./drawing/pictures.js";
import { samples } from "./samples.js";

const at = (id) => document.getElementById(id);

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
