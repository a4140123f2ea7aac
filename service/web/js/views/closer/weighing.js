// A class closely: what was found, times the weights of the class, is what each cell adds to it.

import { sum, times } from "../../arithmetic.js";
import { limitOf } from "../../colours.js";
import { pairName } from "../../ledger.js";
import { decimalsFor, roundRowsToTotal, roundToTotal, rounded } from "../../numbers.js";
import { nameOf } from "../../state.js";
import { paintMap, tile } from "../../tiles.js";
import { words } from "../../words.js";
import { fillSum } from "../sum.js";
import { painted } from "./chooser.js";
import { element, grid } from "./grid.js";

/** The maps of one column: buttons, of which the chosen one is framed. */
function column(heading, tiles, names, current, chosen) {
  const whole = element("div", "maps");
  whole.setAttribute("role", "group");
  whole.setAttribute("aria-label", heading);
  const box = element("div", "tiles");
  box.style.setProperty("--across", Math.ceil(Math.sqrt(tiles.length)));
  tiles.forEach((one, k) => {
    const button = element("button", "plain");
    button.type = "button";
    button.setAttribute("aria-label", `${heading}: ${names[k]}`);
    button.setAttribute("aria-pressed", k === current);
    button.append(one);
    button.addEventListener("click", () => chosen(k));
    box.append(button);
  });
  whole.append(element("p", "heading", heading), box);
  return whole;
}

function contribution(map, limit) {
  const small = tile(map.length);
  paintMap(small, map, limit);
  return small;
}

function classes(said, count, current, chosen) {
  const group = element("div", "classes");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", said.closer.class);
  group.append(element("p", "heading", said.closer.class));
  for (let one = 0; one < count; one += 1) {
    const button = element("button", "", nameOf(one));
    button.type = "button";
    button.dataset.testid = `weigh-${one}`;
    button.setAttribute("aria-pressed", one === current);
    button.addEventListener("click", () => chosen(one));
    group.append(button);
  }
  return group;
}

/** Fill a box for a class and a map; `chosen` is called with another {target, map}. */
export function weigh(box, { process, weights }, { target, map }, chosen) {
  const said = words();
  const { pool2, conv2_filters: filters } = process;
  const paired = filters[0].length === 1;
  const names = pool2.map((_, m) => (paired ? pairName([Math.floor(m / filters.length), m % filters.length]) : `conv2[${m}]`));
  const all = weights.affine.map((maps) => times(maps, pool2));
  const added = all[target];
  const [limit, weightLimit, foundLimit] = [limitOf(all), limitOf(weights.affine[target]), limitOf(pool2)];

  const decimals = decimalsFor(limitOf(process.logits));
  const total = rounded(process.logits[target], decimals);
  const bias = weights.class_bias[target];
  const terms = roundToTotal([sum(added[map]), sum(added) - sum(added[map]), bias], total, decimals);
  const cells = roundRowsToTotal(added[map], terms[0], decimals);

  const pick = (m) => chosen({ target, map: m });
  const columns = [
    column(said.closer.found, pool2.map((one) => painted(one, foundLimit, "ink")), names, map, pick),
    column(said.closer.weightsOf(nameOf(target)), weights.affine[target].map((one) => painted(one, weightLimit, "signed")), names, map, pick),
    column(said.closer.adds(nameOf(target)), added.map((one) => contribution(one, limit)), names, map, pick),
  ];
  const grids = [
    { name: names[map], values: pool2[map], limit: foundLimit, tone: "ink", decimals },
    { name: said.closer.itsWeights, values: weights.affine[target][map], limit: weightLimit, tone: "signed", decimals },
    { name: said.closer.products, values: cells, limit, tone: "classes", decimals },
  ].map((one) => {
    const { table, fill } = grid();
    fill(one);
    return table;
  });
  const list = element("dl", "sum");
  list.dataset.testid = "closer-sum";
  const parts = [said.closer.cells(cells.flat().length), said.closer.others(pool2.length - 1), said.closer.classBias];
  fillSum(list, [...parts.map((name, k) => [name, terms[k]]), [said.logit(nameOf(target)), total]], decimals);

  const operator = (text) => element("span", "operator", text);
  box.className = "closer affine";
  Object.assign(box.dataset, { target, map });
  const above = element("div", "above");
  const choices = classes(said, process.logits.length, target, (one) => chosen({ target: one, map }));
  above.append(columns[0], operator("×"), columns[1], operator("="), columns[2], operator(""), choices);
  const equation = element("div", "equation");
  equation.append(grids[0], operator("×"), grids[1], operator("="), grids[2], operator("→"), list);
  box.replaceChildren(above, equation);
}
