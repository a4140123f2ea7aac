// The figure of the walk: the layers side by side, after the paper's Fig. 2.

import { account, mapsOf, places, samePair, sum } from "../answers/account.js";
import { channelsOf, isColour, limitOf, partsOf, sideOf, stagesOf } from "../answers/network.js";
import { decimalsFor, endOfScale, greatest, number as written } from "../answers/numbers.js";
import { button, drawLines, element, linesOver, placedIn, words } from "../shared.js";
import { colour, diverging, fillMap, greys, inks, paintColourWeights, painted, paintImage, paintStrip, sharp, signedGreys, tile } from "../painting.js";
import { isLong, nameOf, target, versus } from "../state.js";
import { shownClasses } from "./head.js";
import { toneBelow } from "./stages.js";
import { isMadeOf, wayOf } from "./way.js";

// A column with more maps has two rows of them side by side.
const MOST_ROWS = 10;
// A filter with more kernels is not shown beside the map that it makes: it would be larger.
const MOST_KERNELS = 3;
// Of more pairs than this, the figure shows those that matter most to the class that is read.
const MOST_PAIRS = 9;
const SHOWN_PAIRS = 8;
// Letters of a class's name in the figure, at most.
const TAG_LETTERS = 12;
// Sides of maps in pixels of the page. Columns with smaller maps than `least` would be no narrower: their heads are not.
const SIDES = { picture: [84, 116], most: 84, least: 50, lowest: 26, pair: [18, 32] };
// What stands above and below the maps of a column, and the space between columns and maps.
const AROUND = 128;
const GAP = { column: 10, map: 6, pair: 5 };
// Beside a map its filter has this share of the map's side.
const FILTER = 0.42;
// What is left of maps that a map that is lit has nothing to do with.
const PALE = 0.2;
// More lines of a way between two columns are bundled.
const MOST_CURVES = 9;

/**
 * The columns of the figure in their order, each {kind, stage}: the picture; of each stage the convolution and, where it
 * has one, the pool; hidden layers, if any; what each class makes of the maps; the sums; the class that is read. The
 * sums stand in the column before them.
 */
export function columnsOf(network) {
  const stages = stagesOf(network).flatMap((stage) => [{ kind: "convolution", stage }, ...(stage.pool ? [{ kind: "pool", stage }] : [])]);
  const hidden = network.head.hidden.length ? [{ kind: "hidden" }] : [];
  return [{ kind: "picture" }, ...stages, ...hidden, { kind: "affine" }, { kind: "logit" }, { kind: "read" }];
}

function column(from, kind, [title, ...lines], nodes) {
  const head = element("header", "", element("h3", "", title), ...lines.map((line) => element("p", "", line)));
  return element("section", { class: `layer layer-${from} ${kind}`, "data-from": from }, head, element("div", "nodes", ...nodes));
}

/** A map with the kernels that made it: greys, since nothing here speaks for or against a class. */
function node(name, map, limit, signed, beside) {
  return button({ class: "node", "aria-label": name }, ...beside, painted(map, signed ? signedGreys(limit) : inks(limit)));
}

/** The kernels of a filter as small tiles; those for the three colours as one. */
function kernelsOf(kernels, limit, colours) {
  const tiles = colours ? [tile(1)] : kernels.map((kernel) => painted(kernel, signedGreys(limit)));
  if (colours) paintColourWeights(tiles[0], kernels, limit);
  for (const one of tiles) one.classList.add("filter");
  return tiles;
}

function scale(limit, signed, shade, least) {
  const strip = tile(1);
  paintStrip(strip, shade, least);
  const { value, decimals } = endOfScale(limit);
  const texts = [signed ? written(-value, decimals) : "0", "", written(value, decimals, true)];
  return element("div", "scale", strip, ...texts.map((text) => element("span", "", text)));
}

/** How many columns and rows of maps there are in a column of the figure. */
function arranged(count) {
  const across = count > MOST_ROWS ? 2 : 1;
  return [across, Math.ceil(count / across)];
}

/** Whether the kernels of a stage stand beside its maps. */
function hasKernels({ stage, kind }, { stages }) {
  if (kind !== "convolution" || !stage.kernel) return false;
  const { filters } = stages[stage.number];
  return filters[0].length <= MOST_KERNELS && arranged(filters.length)[0] === 1;
}

/** The classes that the page asks about: the one that is explained and, if there is one, that to compare with. */
function asked() {
  return [target(), versus()].filter((number) => number !== null);
}

/** The name of a map, and what it adds to the classes that are asked about. */
function mapWords(said, facts, { stage, kind }, map) {
  const name = said.mapOf(stage.number + 1, partsOf(stage, map));
  const { adds } = wayOf(facts, { number: stage.number, map });
  const parts = adds ? asked().map((number) => ({ name: nameOf(number), value: written(adds(number), undefined, true) })) : [];
  return said.mapAdds(kind === "pool" ? said.pooled(name) : name, parts);
}

function layer(from, one, facts, side) {
  const { stage, kind } = one;
  const said = words();
  const { process, network } = facts;
  const answer = process.stages[stage.number];
  const before = kind === "convolution" && stage.pool;
  const maps = before ? answer.convolution : answer.maps;
  const signed = before || toneBelow(maps) === "signed";
  const limit = limitOf(maps);
  const [beside, filterLimit] = [hasKernels(one, process), limitOf(answer.filters)];
  const colours = stage.number === 0 && network.input.channels > 1 && !stage.paired;
  const nodes = maps.map((map, k) => {
    const kernels = beside ? kernelsOf(answer.filters[k], filterLimit, colours) : [];
    return node(mapWords(said, facts, one, answer.shown[k]), map, limit, signed, kernels);
  });
  const size = kind === "pool" ? stage.side : stage.convolved;
  const whole = column(from, kind, [said.stage(stage.number + 1), said.layers[kind === "pool" || stage.kernel ? kind : "sum"], said.maps(answer.count, size)], nodes);
  whole.style.setProperty("--side", `${side}px`);
  if (arranged(maps.length)[0] > 1) whole.classList.add("many");
  if (answer.count > maps.length) whole.append(element("p", "rest", said.otherMaps(answer.count - maps.length)));
  whole.append(scale(limit, signed, greys(), 0));
  return whole;
}

/** Maps of one class in a row on one canvas; `framed` are the positions of first and second place, and `pale` says which stand back. */
function drawStrip(canvas, { maps, limit, side, framed }, pale = () => false) {
  const pitch = side + GAP.pair;
  // Frames reach a little beyond the maps.
  const edge = 3;
  const [width, height] = [maps.length * pitch - GAP.pair + 2 * edge, side + 2 * edge];
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = sharp(canvas, width, height);
  maps.forEach((map, k) => {
    context.globalAlpha = pale(k) ? PALE : 1;
    fillMap(context, map, edge + k * pitch, edge, side / map.length, diverging(limit));
  });
  context.globalAlpha = 1;
  [...framed.entries()].reverse().forEach(([k, position]) => {
    if (position < 0) return;
    context.strokeStyle = colour(["first", "second"][k]);
    context.lineWidth = 2.5;
    context.strokeRect(edge + position * pitch - 1.5, edge - 1.5, side + 3, side + 3);
  });
}

/** The pairs whose maps stand in the figure, of what the class that is read is made of: few are all. */
function pairsShown(one) {
  if (one.count <= MOST_PAIRS) return one.shown;
  const most = greatest(one.shown.map(({ value }) => value), SHOWN_PAIRS);
  return one.shown.filter((_, place) => most.includes(place));
}

/** The names of the classes that stand in the figure. */
function shownNames({ logits }) {
  return shownClasses(logits, asked()).map((number) => nameOf(number, TAG_LETTERS));
}

/** A number, teal where it is for the class and ochre where it is against it. */
function signed(className, value, decimals, sign, whole = element("span", "")) {
  whole.textContent = written(value, decimals, sign);
  for (const [name, on] of [[className, true], ["for", value > 0], ["against", value < 0]]) whole.classList.toggle(name, on);
  return whole;
}

// Of the figure that is shown, what changes when a map is lit: the pairs of the rows, and each {number, logit, decimals, value, canvas, strip}.
let lightable = { shown: [], rows: [] };

function field(from, { process, network }, side) {
  const said = words();
  const { predicted, logits } = process;
  const read = account(process, predicted, null);
  const shown = pairsShown(read);
  const rest = read.count - shown.length;
  const classes = shownClasses(logits, asked());
  const maps = new Map(classes.map((number) => [number, mapsOf(process, number, shown)]));
  const limit = limitOf([...maps.values()]);
  const winners = places(read).map((pair) => shown.findIndex((each) => samePair(each.pair, pair)));
  const decimals = decimalsFor(limitOf(logits));
  lightable = { shown, rows: [] };
  const rows = classes.map((number) => {
    const own = maps.get(number);
    const strip = { maps: own, limit, side, framed: number === predicted ? winners : [] };
    const [tag, canvas] = [element("span", "tag", nameOf(number, TAG_LETTERS)), element("canvas", "strip")];
    drawStrip(canvas, strip);
    const others = rest ? signed("others", sum(process.contributions[number]) - sum(own), decimals, true) : null;
    const value = signed("value", logits[number], decimals, false, element("span", { "data-from": from + 1 }));
    lightable.rows.push({ number, logit: logits[number], decimals, value, canvas, strip });
    const names = ["class", number === predicted && "winner", asked().includes(number) && "asked"].filter(Boolean);
    const facts = { class: names.join(" "), "data-number": number, "aria-label": said.bar(nameOf(number), written(logits[number], decimals)) };
    return button(facts, tag, canvas, others, value);
  });
  if (classes.length < logits.length) rows.push(element("p", "rest", said.otherClasses(logits.length - classes.length)));
  const whole = column(from, "weighing", [said.layers.affine, said.field(logits.length, read.count)], rows);
  if (rest) whole.append(element("header", "others", element("h3", "", said.otherPairs(rest))));
  const sums = element("header", { class: "sums", "data-from": from + 1 }, element("h3"), element("p"));
  whole.append(sums, scale(limit, true, diverging(1), -1));
  whole.classList.toggle("wide", rest > 0);
  whole.classList.toggle("named", shownNames(process).some(isLong));
  return whole;
}

export function buildFigure(figure, facts) {
  const said = words();
  const { process, network } = facts;
  const columns = columnsOf(network);
  const sides = sidesOf(figure, columns, facts);
  const nodes = columns.map((one, from) => {
    if (one.stage) return layer(from, one, facts, sides.maps[from]);
    if (one.kind === "picture") return picture(from, process, sides.picture);
    if (one.kind === "hidden") return hidden(from, network);
    if (one.kind === "affine") return field(from, facts, sides.pair);
    if (one.kind !== "read") return null;
    const name = nameOf(process.predicted, TAG_LETTERS);
    return column(from, "read", [said.layers.read], [element("span", isLong(name) ? "answer name" : "answer", name)]);
  });
  figure.replaceChildren(linesOver(), ...nodes.filter(Boolean));
  const [first, second] = figure.querySelectorAll(".layer");
  second.append(linesOver());
  figure.style.setProperty("--first", `${first.offsetWidth + GAP.column}px`);
  figure.classList.toggle("wide", figure.scrollWidth > figure.clientWidth);
  figure.style.setProperty("--kept", `${first.offsetWidth + second.offsetWidth + 2 * GAP.column}px`);
  // Of each column the keyboard finds one, and from there the others.
  for (const one of figure.querySelectorAll("button:not(:first-child)")) one.tabIndex = -1;
}

function picture(from, { image }, side) {
  const shown = tile(sideOf(image));
  paintImage(shown, image);
  const size = `${sideOf(image)}×${sideOf(image)}${isColour(image) ? ` × ${channelsOf(image).length}` : ""}`;
  const whole = column(from, "picture", [words().layers.picture, size], [element("div", "node", shown)]);
  whole.style.setProperty("--side", `${side}px`);
  return whole;
}

function hidden(from, { head }) {
  const said = words();
  return column(from, "hidden", [said.layers.hidden], head.hidden.map((width) => element("div", "node", said.closer.numbers(width))));
}

/** {picture, maps, pair}: the sides of the tiles, so that all columns are as high as there is room, and stand side by side where they can. */
function sidesOf(figure, columns, { process }) {
  const [width, height] = [figure.clientWidth - 40, figure.clientHeight - AROUND];
  const classes = shownClasses(process.logits, asked()).length;
  const pair = Math.floor(Math.min(Math.max(height / classes - 14, SIDES.pair[0]), SIDES.pair[1]));
  const one = process.contributions[0];
  const count = one.length * one[0].length;
  const pairs = count <= MOST_PAIRS ? count : SHOWN_PAIRS;
  const picture = SIDES.picture[Number(count <= MOST_PAIRS && columns.length < 9)];
  const named = shownNames(process).some(isLong);
  const field = (named ? 100 : 36) + pairs * (pair + GAP.pair) + (count > pairs ? 152 : 80);
  const fixed = picture + field + (named ? 110 : 76) + (columns.length - 2) * GAP.column;
  const stages = columns.filter(({ stage }) => stage);
  const shares = stages.map((each) => {
    const { maps, filters } = process.stages[each.stage.number];
    return arranged(maps.length)[0] + (hasKernels(each, process) ? FILTER * Math.min(filters[0].length, MOST_KERNELS) + 0.1 : 0);
  });
  const most = (width - fixed) / shares.reduce((total, share) => total + share, 0) - GAP.map;
  const maps = columns.map(({ stage }) => {
    if (!stage) return 0;
    const [, rows] = arranged(process.stages[stage.number].maps.length);
    return Math.floor(Math.max(Math.min(SIDES.most, Math.max(most, SIDES.least), height / rows - GAP.map), SIDES.lowest));
  });
  return { picture, maps, pair };
}

/** Call back with {kind, stage}, and the position of the map or the number of the class, that is pressed. */
export function onMap(figure, pressed) {
  figure.addEventListener("click", ({ target }) => {
    const one = target.closest(".node, .class");
    if (!one) return;
    const from = Number(one.closest(".layer").dataset.from);
    pressed(from, one.dataset.number === undefined ? [...one.parentElement.children].indexOf(one) : Number(one.dataset.number));
  });
}

/** The way of a map of the figure; null of none. */
function wayIn(one, facts) {
  if (!one) return null;
  const { stage } = columnsOf(facts.network)[Number(one.closest(".layer").dataset.from)];
  const { shown } = facts.process.stages[stage.number];
  return wayOf(facts, { number: stage.number, map: shown[[...one.parentElement.children].indexOf(one)] });
}

/** Lines from these boxes to those by one line across. */
function bus(sources, targets) {
  const ends = [...sources.map((box) => box.right), ...targets.map((box) => box.left)];
  const heights = [...sources, ...targets].map(middleOf);
  const middle = (Math.max(...ends.slice(0, sources.length)) + Math.min(...ends.slice(sources.length))) / 2;
  return [`M${middle} ${Math.min(...heights)}V${Math.max(...heights)}`, ...ends.map((x, k) => `M${x} ${heights[k]}H${middle}`)];
}

function middleOf({ top, bottom }) {
  return (top + bottom) / 2;
}

/** A line from the right of one box to the left of another. */
function curve(source, target) {
  const middle = (source.right + target.left) / 2;
  return `M${source.right} ${middleOf(source)}C${middle} ${middleOf(source)} ${middle} ${middleOf(target)} ${target.left} ${middleOf(target)}`;
}

/** What joins two columns, each of {map, box}: usual lines between all of them; none in two columns, where they would run through maps. */
function linesBetween({ kind, stage }, sources, targets, many) {
  const [from, to] = [sources, targets].map((each) => each.map(({ box }) => box));
  if (many) return [];
  if (kind === "pool" && from.length === to.length) return from.flatMap((box, k) => bus([box], [to[k]]));
  // Each map has the filters that are applied to it behind it.
  const own = stage?.paired && stage.inputs > 1 && to.length === stage.maps;
  return own ? from.flatMap((box, k) => bus([box], to.slice(k * stage.filters, (k + 1) * stage.filters))) : bus(from, to);
}

/** The lines of a way between two columns: from each map to what is made of it; between many and many, by one line across. */
function wayBetween({ kind, stage }, sources, targets) {
  const joined = (one, other) => !stage || one.map === undefined || (kind === "pool" ? one.map === other.map : isMadeOf(stage, other.map, one.map));
  const lines = sources.flatMap((one) => targets.filter((other) => joined(one, other)).map((other) => curve(one.box, other.box)));
  return lines.length <= MOST_CURVES || sources.length === 1 || kind === "pool" ? lines : bus(...[sources, targets].map((each) => each.map(({ box }) => box)));
}

/** Draw the lines between the columns that are shown; those of the way of `lit`, a map of the figure or null, stand out. */
export function linkFigure(figure, step, facts, lit) {
  const [whole, kept] = ["svg", ".layer-1 > svg"].map((lines) => figure.querySelector(lines));
  if (!whole) return;
  const placed = placedIn(figure);
  const { left, top } = placed(kept.parentElement);
  whole.setAttribute("width", figure.scrollWidth);
  whole.setAttribute("height", figure.clientHeight);
  // The first lines stay with the columns that stay in sight.
  Object.assign(kept.style, { left: `${-left}px`, top: `${-top}px` });
  const way = wayIn(lit, facts);
  const columns = columnsOf(facts.network).filter(({ kind }) => kind !== "logit" && kind !== "read");
  const shown = columns.map(({ kind, stage }, from) => {
    const nodes = from > step ? [] : [...figure.querySelectorAll(`.layer-${from} ${kind === "affine" ? ".tag" : ".node"}`)];
    return nodes.map((node, k) => {
      const map = stage && facts.process.stages[stage.number].shown[k];
      const isIn = way !== null && (stage ? way.stages[stage.number].has(map) : kind !== "affine" || node.closest(".asked") !== null);
      node.classList.toggle("lit", isIn);
      return { map, isIn, box: placed(node) };
    });
  });
  const many = (from) => figure.querySelector(`.layer-${from}`).classList.contains("many");
  const lines = columns.slice(1).map((column, k) => {
    const [sources, targets] = [shown[k], shown[k + 1]];
    if (!targets.length) return [[], []];
    const ways = [sources, targets].map((each) => each.filter(({ isIn }) => isIn));
    return [linesBetween(column, sources, targets, many(k) || many(k + 1)), way ? wayBetween(column, ...ways) : []];
  });
  drawLines(kept, ...lines[0]);
  drawLines(whole, ...[0, 1].map((k) => lines.slice(1).flatMap((each) => each[k])));
}

/** In the rows of the classes what a map of the figure adds to each, and by which pairs; without one their logits. */
export function showAdded(figure, facts, lit) {
  const said = words();
  const { shown, rows } = lightable;
  const way = wayIn(lit, facts);
  const added = way?.adds && rows.map(({ number }) => way.adds(number));
  const decimals = added && decimalsFor(limitOf(added));
  rows.forEach(({ logit, decimals: usual, value, canvas, strip }, k) => {
    drawStrip(canvas, strip, (place) => way && !way.has(shown[place].pair));
    if (added) signed("value", added[k], decimals, true, value);
    else signed("value", logit, usual, false, value);
  });
  const [title, line] = figure.querySelector(".sums").children;
  title.textContent = added ? said.layers.adds : said.layers.logit;
  line.textContent = added ? said.ofThisMap : said.sumAndBias;
  figure.classList.toggle("lighting", Boolean(way));
  figure.classList.toggle("adding", Boolean(added));
}
