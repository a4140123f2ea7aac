// The figure of the walk: the layers side by side, after the paper's Fig. 2.

import { colour, diverging, limitOf } from "../colours.js";
import { account, places } from "../ledger.js";
import { decimalsFor, number as written } from "../numbers.js";
import { nameOf } from "../state.js";
import { fillMap, paintDigit, paintGreyStrip, paintMap, paintStrip, paintWeights, sharp, tile } from "../tiles.js";
import { words } from "../words.js";

const SVG = "http://www.w3.org/2000/svg";
// From so many conv2 filters on, a class's maps stand in rows, one for each conv1 filter.
const DENSE = 5;
// Letters of a class's name in the figure, at most.
const TAG_LETTERS = 10;

function element(name, className, text = "") {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

function column(from, name, sizes, nodes) {
  const whole = element("section", `layer layer-${from}`);
  whole.dataset.from = from;
  const head = element("header", "");
  head.append(element("h3", "", name), element("p", "", sizes));
  const body = element("div", "nodes");
  body.append(...nodes);
  whole.append(head, body);
  return whole;
}

/** A map with the filters that made it: greys, since nothing here speaks for or against a class. */
function node(map, limit, pooled, filters = [], filterLimit = 0) {
  const whole = element("div", "node");
  for (const filter of filters) {
    const small = tile(filter.length);
    small.classList.add("filter");
    paintWeights(small, filter, filterLimit);
    whole.append(small);
  }
  const large = tile(map.length);
  // What is pooled is never negative: paper is 0.
  if (pooled) paintDigit(large, map.map((line) => line.map((value) => (limit > 0 ? value / limit : 0))));
  else paintWeights(large, map, limit);
  whole.append(large);
  return whole;
}

function layer(from, name, maps, filtersOf = () => [], filterLimit = 0) {
  const said = words();
  const limit = limitOf(maps);
  const pooled = from % 2 === 0;
  const nodes = maps.map((map, k) => node(map, limit, pooled, filtersOf(k), filterLimit));
  const whole = column(from, said.layers[from], said.maps(maps.length, maps[0].length), nodes);
  if (maps.length > 12) whole.classList.add("many");
  whole.append(scale(limit, !pooled, paintGreyStrip));
  return whole;
}

function scale(limit, signed, paint) {
  const whole = element("div", "scale");
  const strip = tile(1);
  paint(strip);
  const decimals = decimalsFor(limit);
  const least = signed ? written(-limit, decimals) : "0";
  whole.append(strip, element("span", "", least), element("span"), element("span", "", written(limit, decimals, true)));
  return whole;
}

/** All maps of one class on one canvas; `framed` are the pairs of first and second place. */
function strip(maps, limit, framed) {
  const dense = maps[0].length >= DENSE;
  const [side, gap] = dense ? [1.5, 0.5] : [6, 6];
  const cells = maps[0][0].length;
  const pitch = cells * side + gap;
  // Frames reach a little beyond the maps.
  const edge = 3;
  const place = ([i, j]) => (dense ? [j * pitch, i * pitch] : [(i * maps[0].length + j) * pitch, 0]).map((at) => at + edge);
  const width = (dense ? maps[0].length : maps.length * maps[0].length) * pitch - gap + 2 * edge;
  const height = (dense ? maps.length : 1) * pitch - gap + 2 * edge;
  const canvas = element("canvas", "strip");
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = sharp(canvas, width, height);
  maps.forEach((row, i) => row.forEach((map, j) => fillMap(context, map, ...place([i, j]), side, (value) => diverging(value, limit))));
  // The first over the second: where maps stand close, their frames overlap.
  [...framed.entries()].reverse().forEach(([k, pair]) => {
    const [x, y] = place(pair);
    context.strokeStyle = colour(["first", "second"][k]);
    context.lineWidth = dense ? 1.5 : 2.5;
    context.strokeRect(x - 1.5, y - 1.5, cells * side + 3, cells * side + 3);
  });
  return canvas;
}

function field(process) {
  const said = words();
  const { predicted } = process;
  const limit = limitOf(process.maps);
  const winners = places(account(process, predicted, null));
  const decimals = decimalsFor(limitOf(process.logits));
  const rows = process.maps.map((maps, number) => {
    const row = element("div", number === predicted ? "class winner" : "class");
    const logit = element("span", "value", written(process.logits[number], decimals));
    logit.dataset.from = 6;
    row.append(element("span", "tag", nameOf(number, TAG_LETTERS)), strip(maps, limit, number === predicted ? winners : []), logit);
    return row;
  });
  const count = process.maps[0].length * process.maps[0][0].length;
  const whole = column(5, said.layers[5], said.field(process.maps.length, count), rows);
  const sums = element("header", "sums");
  sums.dataset.from = 6;
  sums.append(element("h3", "", said.layers[6]), element("p", "", said.sumAndBias));
  whole.append(sums, scale(limit, true, paintStrip));
  return whole;
}

export function buildFigure(figure, process) {
  const said = words();
  const [filters, kernels] = [process.conv1_filters, process.conv2_filters];
  const paired = kernels[0].length === 1;
  const picture = tile(28);
  paintDigit(picture, process.image);
  const box = element("div", "node");
  box.append(picture);
  // Many kernels would hide the maps that they make.
  const kernelsOf = (k) => (kernels.length >= DENSE ? [] : kernels[k % kernels.length]);
  const names = nameOf(process.predicted, TAG_LETTERS);
  const read = column(7, said.layers[7], "", [element("span", names.length > 2 ? "answer name" : "answer", names)]);
  const links = document.createElementNS(SVG, "svg");
  links.setAttribute("aria-hidden", "true");
  figure.className = `figure ${kernels.length >= DENSE ? "dense" : ""} ${paired ? "paired" : "summed"}`;
  figure.replaceChildren(
    links,
    column(0, said.layers[0], "28×28", [box]),
    layer(1, said.layers[1], process.conv1, (k) => [filters[k]], limitOf(filters)),
    layer(2, said.layers[2], process.pool1),
    layer(3, said.layers[3], process.conv2, kernelsOf, limitOf(kernels)),
    layer(4, said.layers[4], process.pool2),
    field(process),
    read,
  );
}

/** Call back with the layer and the number of the map, or of the class, that is pressed. */
export function onMap(figure, pressed) {
  figure.addEventListener("click", ({ target }) => {
    const one = target.closest(".node, .class");
    const from = Number(one?.closest(".layer").dataset.from);
    if (from > 0) pressed(from, [...one.parentElement.children].indexOf(one));
  });
}

/** Draw the lines between the layers that are shown. */
export function linkFigure(figure, step) {
  const links = figure.querySelector("svg");
  if (!links) return;
  const whole = figure.getBoundingClientRect();
  // Places are measured on the screen, and drawn on what is enlarged.
  const zoom = figure.currentCSSZoom ?? 1;
  const [dx, dy] = [figure.scrollLeft - whole.left / zoom, figure.scrollTop - whole.top / zoom];
  links.setAttribute("width", figure.scrollWidth);
  links.setAttribute("height", figure.clientHeight);
  const boxes = (from, selector = ".node") => [...figure.querySelectorAll(`.layer-${from} ${selector}`)].map((part) => {
      const { left, right, top, height } = part.getBoundingClientRect();
      return { left: left / zoom, right: right / zoom, top: top / zoom, height: height / zoom };
    });
  const paths = [];
  const link = (sources, targets) => {
    const ends = [...sources.map((box) => box.right), ...targets.map((box) => box.left)];
    const heights = [...sources, ...targets].map((box) => box.top + box.height / 2);
    const middle = (Math.max(...ends.slice(0, sources.length)) + Math.min(...ends.slice(sources.length))) / 2;
    paths.push(`M${middle + dx} ${Math.min(...heights) + dy}V${Math.max(...heights) + dy}`);
    ends.forEach((x, k) => paths.push(`M${x + dx} ${heights[k] + dy}H${middle + dx}`));
  };
  const each = (sources, targets) => sources.forEach((source, k) => link([source], [targets[k]]));
  const layers = [0, 1, 2, 3, 4].map((from) => boxes(from));
  if (step >= 1) link(layers[0], layers[1]);
  if (step >= 2) each(layers[1], layers[2]);
  // In two columns, lines would run through maps.
  const many = figure.classList.contains("dense");
  if (step >= 3 && figure.classList.contains("paired")) {
    const share = layers[3].length / layers[2].length;
    layers[2].forEach((source, k) => link([source], layers[3].slice(k * share, (k + 1) * share)));
  } else if (step >= 3 && !many) link(layers[2], layers[3]);
  if (step >= 4 && !many) each(layers[3], layers[4]);
  if (step >= 5 && !many) link(layers[4], boxes(5, ".tag"));
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", paths.join(""));
  links.replaceChildren(path);
}
