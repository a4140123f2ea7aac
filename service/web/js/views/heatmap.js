// The digit with what hiding each region does, or with one pair's map.

import { colour, diverging, limitOf } from "../colours.js";
import { pairName } from "../ledger.js";
import { decimalsFor, number } from "../numbers.js";
import { set, state } from "../state.js";
import { fillMap, paintStrip, sharp, tile } from "../tiles.js";
import { words } from "../words.js";
import { NONE, corners, drawOutlines } from "./outline.js";

const canvas = document.getElementById("heatmap");
const title = document.getElementById("where-title");
const scale = document.getElementById("scale");
const SIDE = 28;
// What a pixel of ink at the most fills of its square.
const DOT = 0.62;
// A cell of pool2 looks at 12×12 pixels, and its neighbour at those 4 further: the middle 4×4 are its own.
const CELL = 4;
const FIRST_CELL = 4;
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const strip = tile(1);
const least = document.createElement("span");
const middle = document.createElement("span");
const most = document.createElement("span");
scale.append(strip, least, middle, most);

/** (28, 28) from one value a region. */
function spread(values, region) {
  const rows = Array.from({ length: SIDE }, (_, row) => values[Math.floor(row / region)]);
  return rows.map((line) => Array.from({ length: SIDE }, (_, column) => line[Math.floor(column / region)]));
}

function dots(context, image, pixel) {
  context.fillStyle = colour("ink");
  image.forEach((line, row) =>
    line.forEach((value, column) => {
      if (value <= 0) return;
      context.beginPath();
      context.arc((column + 0.5) * pixel, (row + 0.5) * pixel, (Math.sqrt(Math.min(value, 1)) * pixel * DOT) / 2, 0, 2 * Math.PI);
      context.fill();
    }),
  );
}

function outlined(context, groups, pixel) {
  const points = context.getTransform().a;
  const edge = (place) => Math.round(place * pixel * points) / points;
  context.fillStyle = colour("paper");
  drawOutlines(context, groups, edge, 3);
  context.fillStyle = colour("ink");
  drawOutlines(context, groups, edge, 2);
}

function tag(context, x, y, digit) {
  context.fillStyle = colour("ink");
  context.fillRect(x, y, 14, 16);
  context.fillStyle = colour("paper");
  context.font = "600 12px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillText(String(digit), x + 7, y + 12);
}

function drawBlank(context, pixel) {
  context.fillStyle = colour("grey-0");
  context.fillRect(0, 0, SIDE * pixel, SIDE * pixel);
}

function drawHeat(context, pixel, { process, occlusion }) {
  const limit = limitOf(occlusion.drop);
  fillMap(context, spread(occlusion.drop, occlusion.region), 0, 0, pixel, (value) => diverging(value, limit));
  dots(context, process.image, pixel);
  const critical = occlusion.prediction.map((row) => row.map((digit) => (digit === occlusion.predicted ? NONE : digit)));
  const groups = spread(critical, occlusion.region);
  outlined(context, groups, pixel);
  for (const [row, column] of corners(groups)) tag(context, column * pixel, row * pixel, groups[row][column]);
}

function drawPair(context, pixel, { process }, one, [i, j]) {
  const limit = limitOf(one.maps);
  drawBlank(context, pixel);
  fillMap(context, one.maps[i][j], FIRST_CELL * pixel, FIRST_CELL * pixel, CELL * pixel, (value) => diverging(value, limit));
  dots(context, process.image, pixel);
}

/** The region that is looked at, hidden: no ink, an outline, and the digit that is read without it. */
function drawSpot(context, pixel, { occlusion }, [row, column]) {
  const { region } = occlusion;
  const [x, y] = [column * region * pixel, row * region * pixel];
  const [width, height] = [column, row].map((place) => Math.min(region, SIDE - place * region) * pixel);
  context.fillStyle = colour("grey-0");
  context.fillRect(x, y, width, height);
  context.lineWidth = 4;
  context.strokeStyle = colour("paper");
  context.strokeRect(x, y, width, height);
  context.lineWidth = 2;
  context.strokeStyle = colour("ink");
  context.strokeRect(x, y, width, height);
  const below = y + height + 18 < SIDE * pixel;
  tag(context, Math.min(x - 1, SIDE * pixel - 14), below ? y + height + 1 : y - 17, occlusion.prediction[row][column]);
}

/** What the map can show: how it is drawn, its heading, and the values and the name of its scale. */
const SHOWN = {
  empty: {
    draw: drawBlank,
    heading: (said) => said.whereEmpty,
  },
  heat: {
    draw: (context, pixel, { answer }) => drawHeat(context, pixel, answer),
    heading: (said, { answer }) => whereHeading(said, answer.occlusion),
    values: ({ answer }) => answer.occlusion.drop,
    unit: (said, { answer: { occlusion } }) => said.scaleDrop(occlusion.target, occlusion.versus ?? null),
  },
  pair: {
    draw: (context, pixel, { answer, pair }, one) => drawPair(context, pixel, answer, one, pair),
    heading: (said, { pair }) => pairName(pair),
    values: (_, one) => one.maps,
    unit: (said) => said.scaleCell,
  },
};

function mode({ answer, pair, spot }) {
  if (!answer) return "empty";
  return pair && !spot ? "pair" : "heat";
}

/** Of what was answered, not of what is asked: the map is about the same. */
function whereHeading(said, { target, versus = null, predicted }) {
  if (versus !== null) return said.whereVersus(target, versus);
  return target === predicted ? said.where(target) : said.whereOther(target);
}

/** `one` is the account that the page shows. */
export function showHeatmap(now, one) {
  const { answer, spot } = now;
  const name = mode(now);
  const shown = SHOWN[name];
  const width = canvas.clientWidth;
  const context = sharp(canvas, width);
  shown.draw(context, width / SIDE, now, one);
  if (spot && answer) drawSpot(context, width / SIDE, answer, spot);
  canvas.dataset.shown = name;
  canvas.dataset.region = answer?.occlusion.region ?? "";
  title.textContent = shown.heading(words(), now);
  showScale(shown, now, one);
}

function showScale({ values, unit }, now, one) {
  scale.classList.toggle("unseen-scale", !values);
  if (!values) return;
  paintStrip(strip);
  const limit = limitOf(values(now, one));
  const decimals = decimalsFor(limit);
  least.textContent = number(-limit, decimals);
  middle.textContent = unit(words(), now);
  most.textContent = number(limit, decimals, true);
}

function look(row, column) {
  const [rows, columns] = state.answer.occlusion.grid;
  const spot = [Math.min(Math.max(row, 0), rows - 1), Math.min(Math.max(column, 0), columns - 1)];
  if (spot.join() !== state.spot?.join()) set({ spot });
}

function point(event) {
  if (!state.answer) return;
  const box = canvas.getBoundingClientRect();
  const { region } = state.answer.occlusion;
  const place = (offset, size) => Math.floor(((offset / size) * SIDE) / region);
  look(place(event.clientY - box.top, box.height), place(event.clientX - box.left, box.width));
}

canvas.addEventListener("pointermove", point);
canvas.addEventListener("pointerdown", point);
canvas.addEventListener("pointerleave", (event) => {
  // A finger that is lifted has pointed: what it pointed at stays until something else is touched.
  if (event.pointerType !== "touch") set({ spot: null });
});
canvas.addEventListener("blur", () => set({ spot: null }));
canvas.addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  if (event.key === "Escape") set({ spot: null });
  if (!arrow || !state.answer) return;
  event.preventDefault();
  const from = state.spot ?? state.answer.occlusion.grid.map((count) => Math.floor(count / 2));
  look(from[0] + arrow[0], from[1] + arrow[1]);
});
