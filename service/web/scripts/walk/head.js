// The head closely: the weights of a class, and softmax calculated.

import { sum, times } from "../answers/account.js";
import { cut, limitOf, partsOf, stagesOf } from "../answers/network.js";
import { decimalsFor, logSum, number, order, percent, percents, roundedSum, rowsLike, scientific } from "../answers/numbers.js";
import { button, element, fillSum, group, words } from "../shared.js";
import { diverging, painted, shadeOf, signedGreys } from "../painting.js";
import { isLong, nameOf } from "../state.js";
import { grid } from "./window.js";

// Smaller shares would all read 0.0 %.
const SMALL = 0.0005;
// Of more classes than this, those with the greatest logits are shown.
const MOST_CLASSES = 12;
const SHOWN_CLASSES = 10;

/** The weights of a mean pool's cells, for those of the places that it takes: a place has its share of its cell's. */
function ofCells(weights, { pool, side }) {
  const cell = (row, column) => sum(cut(weights, [pool.stride * row, pool.stride * column], pool.side));
  return Array.from({ length: side }, (_, row) => Array.from({ length: side }, (__, column) => cell(row, column)));
}

/** The maps of the last stage that the head's weights came for: {number, map, weights(class)}. */
function weighed({ stages, head, head_maps: numbers }, last) {
  const { shown, maps } = stages.at(-1);
  const own = last.pool?.kind === "mean" && head[0][0].length > last.side ? (weights) => ofCells(weights, last) : (weights) => weights;
  const both = numbers.map((number, k) => ({ number, k })).filter((one) => shown.includes(one.number));
  return both.map(({ number, k }) => ({ number, map: maps[shown.indexOf(number)], weights: (target) => own(head[target][k]) }));
}

/** The numbers of the classes that are shown, in their order: all of few, else those with the greatest logits and those that are `asked` about. */
export function shownClasses(logits, asked = []) {
  if (logits.length <= MOST_CLASSES) return [...logits.keys()];
  return [...new Set([...asked, ...order(logits)])].slice(0, SHOWN_CLASSES).sort((one, other) => one - other);
}

/** The maps of one column: buttons, of which the chosen one is framed. */
function column(heading, tiles, names, current, chosen) {
  const choices = tiles.map((one, k) => {
    return button({ class: "plain", pressed: () => chosen(k), "aria-label": `${heading}: ${names[k]}`, "aria-pressed": k === current }, one);
  });
  const box = element("div", "tiles", ...choices);
  box.style.setProperty("--across", Math.max(Math.ceil(Math.sqrt(tiles.length)), 2));
  return group("maps", heading, element("p", "heading", heading), box);
}

function classes(said, count, current, chosen) {
  const names = Array.from({ length: count }, (_, one) => nameOf(one));
  const buttons = names.map((name, one) => button({ pressed: () => chosen(one), "data-testid": `weigh-${one}`, "aria-pressed": one === current }, name));
  return group(names.some(isLong) ? "classes named" : "classes", said.closer.class, element("p", "heading", said.closer.class), ...buttons);
}

/** Fill a box for a class and a map of the last stage; `chosen` is called with another {target, map}. */
export function weigh(box, { process, network }, { target, map }, chosen) {
  const said = words();
  const last = stagesOf(network).at(-1);
  const maps = weighed(process, last);
  const at = Math.max(maps.findIndex((one) => one.number === map), 0);
  const nameOfMap = ({ number: one }) => {
    const { input, filter } = partsOf(last, one);
    return input === undefined ? said.filter(filter) : said.pairName([input, filter]);
  };
  const names = maps.map(nameOfMap);
  const all = process.logits.map((_, each) => maps.map((one) => times(one.weights(each), one.map)));
  const added = all[target];
  const weights = maps.map((one) => one.weights(target));
  const found = maps.map((one) => one.map);
  const foundTone = found.flat(2).some((value) => value < 0) ? "signed" : "ink";
  const [limit, weightLimit, foundLimit] = [limitOf(all), limitOf(weights), limitOf(found)];

  const decimals = decimalsFor(limitOf(process.logits));
  // All maps together, whether they came with the answer or not.
  const whole = sum(process.contributions[target]) + sum(process.filter_bias[target]);
  const own = sum(added[at]);
  const { parts: cells, terms, total } = roundedSum(added[at].flat(), [whole - own, process.class_bias[target]], process.logits[target], decimals);

  const pick = (k) => chosen({ target, map: maps[k].number });
  const columns = [
    column(said.closer.found(last.number + 1), found.map((one) => painted(one, shadeOf(foundTone, foundLimit))), names, at, pick),
    column(said.closer.weightsOf(nameOf(target)), weights.map((one) => painted(one, signedGreys(weightLimit))), names, at, pick),
    column(said.closer.adds(nameOf(target)), added.map((one) => painted(one, diverging(limit))), names, at, pick),
  ];
  const grids = [
    { name: names[at], values: found[at], limit: foundLimit, tone: foundTone, decimals },
    { name: said.closer.itsWeights, values: weights[at], limit: weightLimit, tone: "signed", decimals },
    { name: said.closer.products, values: rowsLike(added[at], cells), limit, tone: "classes", decimals },
  ].map((one) => {
    const { table, fill } = grid();
    fill(one);
    return table;
  });
  const list = element("dl", { class: "sum", "data-testid": "closer-sum" });
  const parts = [said.closer.cells(cells.length), said.closer.others(last.maps - 1), said.closer.classBias];
  fillSum(list, [...parts.map((name, k) => [name, terms[k]]), [said.logit(nameOf(target)), total]], decimals);

  const operator = (text) => element("span", "operator", text);
  box.className = "closer affine";
  Object.assign(box.dataset, { target, map: maps[at].number });
  const choices = classes(said, process.logits.length, target, (one) => chosen({ target: one, map: maps[at].number }));
  const above = element("div", "above", columns[0], operator("×"), columns[1], operator("="), columns[2], operator(""), choices);
  const equation = element("div", "equation", grids[0], operator("×"), grids[1], operator("="), grids[2], operator("→"), list);
  box.replaceChildren(above, equation);
}

function power(text) {
  return element("span", "", "e", element("sup", "", text));
}

function row(className, name, cells) {
  return element("tr", className, element("th", { scope: "row" }, name), ...cells.map((text) => element("td", "", text)));
}

/** A row of the table of softmax with its bar: `logarithm` is that of the share. */
function softmaxRow(className, cells, logarithm, share) {
  const [name, ...others] = cells;
  const small = Math.exp(logarithm) < SMALL;
  const line = row(className, name, [...others, small ? `${scientific(logarithm + Math.log(100))}%` : share]);
  const fill = element("span", "fill");
  fill.style.width = `${100 * Math.exp(logarithm)}%`;
  line.append(element("td", "track", fill));
  return line;
}

/** Fill a box with the table of one picture. Of many classes, the ones with small logits are one row. */
export function showSoftmax(box, { logits, predicted }) {
  const said = words();
  const decimals = decimalsFor(limitOf(logits));
  const whole = logSum(logits);
  const table = element("table", { class: "softmax", "data-testid": "softmax" });
  const names = [[said.closer.class], [said.layers.logit, " ", element("i", "", "z")], [power("z")], [power("z"), ` ÷ ${said.closer.sumOfAll}`]];
  const heads = names.map((parts) => element("th", { scope: "col" }, ...parts));
  table.createTHead().append(element("tr", "", ...heads, element("td")));
  const body = table.createTBody();
  const shown = shownClasses(logits);
  const others = logits.filter((_, each) => !shown.includes(each));
  const rows = shown.map((each) => ({ name: nameOf(each), logit: number(logits[each], decimals), power: logits[each], winner: each === predicted }));
  if (others.length) rows.push({ name: said.otherClasses(others.length), logit: "", power: logSum(others), rest: true });
  const shares = percents(rows.map(({ power }) => Math.exp(power - whole)));
  rows.forEach(({ name, logit, power, winner, rest }, k) => {
    body.append(softmaxRow(winner ? "winner" : rest ? "rest" : "", [name, logit, scientific(power)], power - whole, shares[k]));
  });
  const foot = row("", said.closer.sumOfAll, ["", scientific(whole), percent(1)]);
  foot.append(element("td", ""));
  table.createTFoot().append(foot);
  box.className = "closer last";
  box.replaceChildren(table);
}
