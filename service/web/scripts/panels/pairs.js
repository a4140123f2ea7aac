// The filter pairs: of each the map and its total, and the places of the two that add most.
//
// Few pairs stand in a table, maps down and filters across. Of many, those that matter most stand in a list, the
// greatest first, and all others are one number, so that the sum is seen.

import { MOST_SHOWN, places, samePair } from "../answers/account.js";
import { activationsOf, blank, channelsOf, limitOf, pairsOf } from "../answers/network.js";
import { number } from "../answers/numbers.js";
import { ARROWS, button, byId, element, fillSum, words } from "../shared.js";
import { diverging, greys, inks, paint, signedGreys, tile } from "../painting.js";
import { nameOf, network, set, state } from "../state.js";

const title = byId("pairs-title");
const box = byId("pairs");
const sum = byId("sum");
const list = byId("places");
const typicality = byId("typicality");
const phone = matchMedia("(max-width: 640px)");
// A table with more rows or columns has too small maps.
const WIDEST_TABLE = 4;
// Columns of the list.
const ACROSS = 4;
const NAMES = ["first", "second"];

let shape = "";
// The tiles in their order: {button, map, name, total, pair}.
let cells = [];
let heads = { rows: [], columns: [] };
let others = null;
let across = 1;
let focus = 0;

/** The table for A×B pairs, with `inputs` kernels a filter of the last stage. */
function buildTable(rows, columns, inputs) {
  box.className = "pairs";
  box.style.setProperty("--columns", columns);
  box.append(element("span", "corner"));
  for (let j = 0; j < columns; j += 1) {
    const kernels = Array.from({ length: inputs }, () => tile(3));
    const name = element("span", "name");
    heads.columns.push({ name, kernels });
    box.append(element("div", "head column", name, element("span", "kernels", ...kernels)));
  }
  for (let i = 0; i < rows; i += 1) {
    const [name, map, filter] = [element("span", "name"), tile(12), tile(5)];
    heads.rows.push({ name, map, filter });
    box.append(element("div", "head row", name, element("span", "pictures", map, filter)));
    for (let j = 0; j < columns; j += 1) cells.push(cell(cells.length, [i, j]));
  }
}

function buildList(count, rest) {
  box.className = "pairs list";
  box.style.setProperty("--columns", ACROSS);
  for (let k = 0; k < count; k += 1) cells.push(cell(k, [0, k]));
  if (!rest) return;
  others = { name: element("span", "name"), total: element("span", "total") };
  box.append(element("div", "others", others.name, others.total));
}

/** What is to be built: [rows, columns, inputs] of a table, or [tiles, whether there are others] of a list. */
function wanted(ledger, process) {
  const model = network();
  const [rows, columns] = ledger ? [ledger.contributions.length, ledger.contributions[0].length] : model ? pairsOf(model) : [3, 3];
  if (Math.max(rows, columns) <= WIDEST_TABLE) {
    const paired = process ? process.stages.at(-1).filters[0].length === 1 : model?.stages.at(-1).wiring !== "summed";
    return ["table", rows, columns, paired ? 1 : rows];
  }
  const count = ledger ? ledger.shown.length : Math.min(rows * columns, MOST_SHOWN);
  return ["list", count, count < rows * columns];
}

function build(how) {
  if (how.join() === shape) return;
  shape = how.join();
  box.replaceChildren();
  cells = [];
  heads = { rows: [], columns: [] };
  others = null;
  focus = 0;
  if (how[0] === "table") buildTable(...how.slice(1));
  else buildList(...how.slice(1));
  across = how[0] === "table" ? how[2] : ACROSS;
}

function cell(k, pair) {
  const [map, name, total] = [tile(5), element("span", "name"), element("span", "total")];
  const whole = button("pair", map, name, total);
  const one = { button: whole, map, name, total, pair };
  whole.addEventListener("click", () => {
    // Safari does not focus a button that is tapped or clicked.
    whole.focus();
    // On a phone, what is said about the pair stands below the table.
    if (phone.matches) byId("details").scrollIntoView({ block: "nearest" });
  });
  const look = () => set({ pair: one.pair, spot: null });
  whole.addEventListener("pointerenter", look);
  whole.addEventListener("pointerleave", () => set({ pair: whole.matches(":focus") ? one.pair : null }));
  whole.addEventListener("focus", () => {
    focus = k;
    look();
  });
  whole.addEventListener("blur", () => set({ pair: null }));
  box.append(whole);
  return one;
}

box.addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  if (!arrow || cells.length === 0) return;
  event.preventDefault();
  // From the end of a row or column to its start; the last row of a list may be shorter.
  const [row, column] = [Math.floor(focus / across), focus % across];
  const rows = Math.ceil((cells.length - column) / across);
  const columns = Math.min(across, cells.length - row * across);
  const to = [(row + arrow[0] + rows) % rows, (column + arrow[1] + columns) % columns];
  cells[to[0] * across + to[1]].button.focus();
});

/** `scene.table` says what stands in the cells: contributions, or what the region that is looked at does to them. */
export function showPairs({ now: { answer }, ledger, table }) {
  const said = words();
  box.classList.toggle("idle", !ledger);
  build(wanted(ledger, answer?.process));
  list.replaceChildren();
  typicality.textContent = "";
  const kind = table?.kind ?? "contribution";
  box.dataset.kind = kind;
  title.textContent = said.pairsTitles[kind];
  heads.rows.forEach(({ name }, i) => (name.textContent = said.map(i)));
  heads.columns.forEach(({ name }, j) => (name.textContent = said.filter(j)));
  if (!ledger) {
    sum.replaceChildren();
    clear(said);
    return;
  }
  showHeads(answer.process);
  showCells(said, ledger, table);
  showSum(said, ledger, table);
  // A network that was not studied has none.
  const usual = answer.process.typicality?.[ledger.target];
  // Of what the last stage and the head make, the parts that are not the network's local linear map.
  const { stages, head } = network();
  const names = [...activationsOf(stages.at(-1)), ...(head.hidden.length ? [head.activation] : [])];
  const secants = [...new Set(names)].map((name) => state.activations[name]).filter((one) => one && !one.gate);
  typicality.textContent = [
    usual ? said.typicality(nameOf(ledger.target), number(usual.percentile, 0)) : "",
    secants.length ? said.secant(secants.map((secant) => secant.words).join(", ")) : "",
  ].filter(Boolean).join(" ");
}

function clear(said) {
  // Tiles keep the size that they were painted with.
  for (const head of [...heads.rows.flatMap(({ map, filter }) => [map, filter]), ...heads.columns.flatMap(({ kernels }) => kernels)]) {
    paint(head, blank(head.width), diverging(0));
  }
  for (const { button, map, name, total, pair } of cells) {
    paint(map, blank(map.width), diverging(0));
    name.textContent = total.textContent = "";
    button.className = "pair";
    button.disabled = true;
    if (shape.startsWith("table")) mark(button, pair);
    button.setAttribute("aria-label", said.pairName(pair));
  }
  if (others) others.name.textContent = others.total.textContent = "";
}

function mark(button, [i, j]) {
  button.dataset.testid = `pair-${i}-${j}`;
}

/** Beside the rows the maps of this very image, with the filters that make them; above the columns the kernels of the last stage. */
function showHeads({ stages, image }) {
  const [before, last] = [stages.at(-2), stages.at(-1)];
  const plain = before?.filters.every((kernels) => kernels.length === 1);
  const maps = before?.maps ?? channelsOf(image);
  heads.rows.forEach(({ map, filter }, i) => {
    paint(map, maps[i], before ? inks(limitOf(maps)) : greys());
    filter.hidden = !plain;
    if (plain) paint(filter, before.filters[i][0], signedGreys(limitOf(before.filters)));
  });
  heads.columns.forEach(({ kernels }, j) => kernels.forEach((head, n) => paint(head, last.filters[j][n], signedGreys(limitOf(last.filters)))));
}

function showCells(said, ledger, { kind, cells: values, others: rest, decimals }) {
  const limit = limitOf(ledger.shown.map(({ map }) => map));
  const winners = places(ledger);
  const contributes = kind === "contribution";
  const most = limitOf(values);
  cells.forEach((cell, k) => {
    const { pair, map } = ledger.shown[k];
    const { button, total } = cell;
    cell.pair = pair;
    const place = NAMES[winners.findIndex((winner) => samePair(winner, pair))];
    paint(cell.map, map, diverging(limit));
    mark(button, pair);
    button.disabled = false;
    button.className = ["pair", place].filter(Boolean).join(" ");
    button.tabIndex = k === focus ? 0 : -1;
    const text = number(values[k], decimals, !contributes);
    const name = said.pairName(pair);
    button.setAttribute("aria-label", said.pair(place ? said[place](name) : name, text));
    cell.name.textContent = said.pairShort(pair);
    total.textContent = text;
    button.classList.toggle("untouched", !contributes && Math.abs(values[k]) < 0.1 * most);
  });
  if (others) {
    others.name.textContent = said.otherPairs(ledger.others.count);
    others.total.textContent = number(rest, decimals, true);
  }
  list.replaceChildren(
    ...winners.map((pair, k) => element("li", NAMES[k], element("span", "swatch"), said[NAMES[k]](said.pairName(pair)))),
  );
}

function showSum(said, ledger, { kind, terms, total, decimals }) {
  const [target, versus] = [ledger.target, ledger.versus].map((each) => nameOf(each));
  const names = said.terms(ledger.count, versus === null ? 1 : 2);
  const logit = versus === null ? said.logit(target) : said.difference(target, versus);
  const name = kind === "contribution" ? logit : said.totals[kind];
  fillSum(sum, [...terms.map((value, k) => [names[k], value]), [name, total]], decimals);
}
