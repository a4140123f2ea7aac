// The proof of the grounds: what is read in their ink alone, and in the picture without it.

import { proven } from "../grounds.js";
import { percent } from "../numbers.js";
import { paintDigit, tile } from "../tiles.js";
import { words } from "../words.js";

const proof = document.getElementById("proof");

const parts = ["alone", "without"].map((name) => {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const [title, digit, share] = ["title", "digit", "share"].map((part) =>
    Object.assign(document.createElement("span"), { className: part }),
  );
  const canvas = tile(28);
  canvas.setAttribute("aria-hidden", "true");
  figure.dataset.testid = `proof-${name}`;
  caption.append(title, " ", digit, " ", share);
  figure.append(canvas, caption);
  proof.append(figure);
  return { name, canvas, title, digit, share };
});

export function showProof({ answer }) {
  const grounds = answer?.occlusion.grounds;
  proof.classList.toggle("none", !grounds?.proof);
  if (!grounds?.proof) return;
  const moved = proven(grounds);
  for (const { name, canvas, title, digit, share } of parts) {
    const shown = (row, column) => moved[row][column] === (name === "alone");
    paintDigit(canvas, answer.process.image.map((line, row) => line.map((ink, column) => (shown(row, column) ? ink : 0))));
    title.textContent = words()[name];
    digit.textContent = grounds.proof[name].digit;
    share.textContent = percent(grounds.proof[name].probability);
  }
}
