// The table of filter pairs: for each the map, its total, and the places of the two that add most.

import { limitOf } from "../colours.js";
import { pairName, places } from "../ledger.js";
import { number } from "../numbers.js";
import { nameOf, set } from "../state.js";
import { DENSE } from "../table.js";
import { paintMap, paintWeights, tile } from "../tiles.js";
import { words } from "../words.js";
import { fillSum } from "./sum.js";

const title = document.getElementById("pairs-title");
const table = document.getElementById("pairs");
const sum = document.getElementById("sum");
const list = document.getElementById("places");
const typicality = document.getElementById("typicality");
const phone = matchMedia("(max-width: 640px)");
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

let shape = "";
let cells = [];
let heads = { rows: [], columns: [] };
let focus = [0, 0];

function element(name, className, text = "") {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

/** Build the table for A×B pairs, with `inputs` kernels a conv2 filter. */
function build(rows, columns, inputs) {
  const dense = columns >= DENSE;
  table.replaceChildren();
  table.className = dense ? "pairs dense" : "pairs";
  table.style.setProperty("--columns", columns);
  focus = [0, 0];
  heads = { rows: [], columns: [] };
  table.append(element("span", "corner"));
  for (let j = 0; j < columns; j += 1) {
    const head = element("div", "head column");
    const kernels = dense ? [] : Array.from({ length: inputs }, () => tile(3));
    const box = element("span", "kernels");
    box.append(...kernels);
    head.append(element("span", "name", dense ? `${j}` : `conv2[${j}]`), box);
    heads.columns.push(kernels);
    table.append(head);
  }
  cells = [];
  for (let i = 0; i < rows; i += 1) {
    const head = element("div", "head row");
    const filter = tile(5);
    head.append(...(dense ? [] : [element("span", "name", `conv1[${i}]`)]), filter);
    heads.rows.push(filter);
    table.append(head);
    cells.push(Array.from({ length: columns }, (_, j) => cell(i, j)));
  }
}

function cell(i, j) {
  const button = element("button", "pair");
  button.type = "button";
  button.dataset.testid = `pair-${i}-${j}`;
  const map = tile(5);
  const total = element("span", "total");
  button.append(map, total);
  const look = () => set({ pair: [i, j], spot: null });
  button.addEventListener("pointerenter", look);
  button.addEventListener("pointerleave", () => set({ pair: button.matches(":focus") ? [i, j] : null }));
  button.addEventListener("focus", () => {
    focus = [i, j];
    look();
  });
  button.addEventListener("blur", () => set({ pair: null }));
  // Safari does not focus a button that is tapped or clicked.
  button.addEventListener("click", () => {
    button.focus();
    // On a phone, what is said about the pair stands below the table.
    if (phone.matches) document.getElementById("details").scrollIntoView({ block: "nearest" });
  });
  table.append(button);
  return { button, map, total };
}

table.addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  if (!arrow || cells.length === 0) return;
  event.preventDefault();
  const size = [cells.length, cells[0].length];
  const [i, j] = focus.map((place, k) => (place + arrow[k] + size[k]) % size[k]);
  cells[i][j].button.focus();
});

/** `scene.table` says what stands in the cells: contributions, or what the region that is looked at does to them. */
export function showPairs({ now: { answer }, one, table: shown }) {
  table.classList.toggle("idle", !one);
  const conv1 = answer?.process.conv1_filters ?? Array(3).fill(null);
  const conv2 = answer?.process.conv2_filters ?? Array(3).fill([null]);
  const wanted = `${conv1.length}×${conv2.length}×${conv2[0].length}`;
  if (wanted !== shape) {
    shape = wanted;
    build(conv1.length, conv2.length, conv2[0].length);
  }
  list.replaceChildren();
  typicality.textContent = "";
  const kind = shown?.kind ?? "contribution";
  table.dataset.kind = kind;
  title.textContent = words().pairsTitles[kind];
  if (!one) {
    sum.replaceChildren();
    clearTable();
    return;
  }
  const limits = [limitOf(conv1), limitOf(conv2)];
  conv1.forEach((filter, i) => paintWeights(heads.rows[i], filter, limits[0]));
  conv2.forEach((kernels, j) => heads.columns[j].forEach((head, n) => paintWeights(head, kernels[n], limits[1])));
  showCells(one, shown);
  showSum(one, shown);
  // A network that was not studied has none.
  const usual = answer.process.typicality?.[one.target];
  if (usual) typicality.textContent = words().typicality(nameOf(one.target), Math.round(usual.percentile));
}

function clearTable() {
  const blank = (size) => Array.from({ length: size }, () => Array(size).fill(0));
  // Tiles keep the size that they were painted with.
  for (const head of [...heads.rows, ...heads.columns.flat()]) paintMap(head, blank(head.width), 0);
  cells.forEach((row, i) =>
    row.forEach(({ button, map, total }, j) => {
      paintMap(map, blank(map.width), 0);
      total.textContent = "";
      button.className = "pair";
      button.disabled = true;
      button.setAttribute("aria-label", pairName([i, j]));
    }),
  );
}

function showCells(one, { kind, cells: shown, decimals }) {
  const said = words();
  const limit = limitOf(one.maps);
  const winners = places(one);
  const rank = (i, j) => winners.findIndex(([a, b]) => a === i && b === j);
  const names = ["first", "second"];
  const contributes = kind === "contribution";
  const most = limitOf(shown);
  cells.forEach((row, i) =>
    row.forEach(({ button, map, total }, j) => {
      const value = shown[i][j];
      const place = names[rank(i, j)];
      paintMap(map, one.maps[i][j], limit);
      button.disabled = false;
      button.className = ["pair", place].filter(Boolean).join(" ");
      button.tabIndex = focus[0] === i && focus[1] === j ? 0 : -1;
      const text = number(value, decimals, !contributes);
      const name = pairName([i, j]);
      button.setAttribute("aria-label", said.pair(place ? said[place](name) : name, text));
      total.textContent = text;
      button.classList.toggle("untouched", !contributes && Math.abs(value) < 0.1 * most);
    }),
  );
  list.replaceChildren(
    ...winners.map((pair, k) => {
      const item = element("li", names[k]);
      item.append(element("span", "swatch"), said[names[k]](pairName(pair)));
      return item;
    }),
  );
}

function showSum(one, { kind, terms, total, decimals }) {
  const said = words();
  const [target, versus] = [one.target, one.versus].map((each) => nameOf(each));
  const count = one.contributions.flat().length;
  const names = versus === null ? said.terms(count) : said.versusTerms(count);
  const logit = versus === null ? said.logit(target) : said.difference(target, versus);
  const name = kind === "contribution" ? logit : said.totals[kind];
  fillSum(sum, [...terms.map((value, k) => [names[k], value]), [name, total]], decimals);
}
