// The proof of the grounds: what is read in their ink alone, and in the picture without it.

import { proven } from "../grounds.js";
import { percent } from "../numbers.js";
import { BLANK, paintDigit, tile } from "../tiles.js";
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
  const image = answer?.process.image ?? BLANK;
  const moved = grounds ? proven(grounds) : BLANK;
  for (const { name, canvas, title, digit, share } of parts) {
    const shown = (row, column) => moved[row][column] === (name === "alone");
    const read = grounds?.proof?.[name];
    paintDigit(canvas, image.map((line, row) => line.map((ink, column) => (shown(row, column) ? ink : 0))));
    title.textContent = words()[name];
    digit.textContent = read?.digit ?? "";
    share.textContent = read ? percent(read.probability) : "";
  }
  proof.classList.toggle("none", Boolean(answer) && !grounds.proof);
}
