// Pictures that are brought: samples, files, drops, pastes, and those of links; and canvases that become files.

import { Refusal } from "../answers/asking.js";
import { button, byId, element, letterSize, partsOfName, words } from "../shared.js";
import { isLong, listed, onChange } from "../state.js";

// What the service takes; larger pictures are made smaller here.
const MOST_BYTES = 250_000;
const MOST_PIXELS = 4_000_000;
const MOST_SIDE = 4096;
// The longer side of a picture that was made smaller.
const REDUCED_SIDE = 1024;

/** The context of a canvas outside of the page, of which a file can be made. */
export function sheet(width, height) {
  return element("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
}

/**
 * The file with what was drawn on a sheet.
 *
 * Not by `toBlob` or `convertToBlob`: Chromium encodes for those when it has nothing else to do, and up to seven seconds
 * pass until it gives up waiting for that.
 */
export function encoded({ canvas }, type, quality) {
  const [, letters] = canvas.toDataURL(type, quality).split(",");
  return new Blob([Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0))], { type });
}

/** A step for the drawing. The mask holds the ink as opacity, so that any theme can colour it. */
async function pictureStep(file, name = "") {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    // The service knows better what is wrong with a file of its own kinds.
    throw new Refusal(/^image\/(png|jpeg)$/.test(file.type) ? "unreadable-image" : "unsupported-image");
  }
  const [pixels, longer] = [bitmap.width * bitmap.height, Math.max(bitmap.width, bitmap.height)];
  const sendable = /^image\/(png|jpeg)$/.test(file.type) && file.size <= MOST_BYTES && pixels <= MOST_PIXELS && longer <= MOST_SIDE;
  const scale = Math.min(1, REDUCED_SIDE / longer);
  const [width, height] = [bitmap.width, bitmap.height].map((length) => Math.max(1, Math.floor(length * scale)));
  const [picture, mask] = [0, 1].map(() => {
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d", { willReadFrequently: true }).drawImage(bitmap, 0, 0, width, height);
    return canvas;
  });
  toInk(mask.getContext("2d"), width, height);
  return { picture, mask, file: sendable ? file : reduced(picture), name, width: bitmap.width, height: bitmap.height };
}

/** A picture that is too heavy, or of a kind that the service does not read, as a JPEG on white. */
function reduced(canvas) {
  const context = sheet(canvas.width, canvas.height);
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(canvas, 0, 0);
  for (const quality of [0.92, 0.7, 0.4]) {
    const blob = encoded(context, "image/jpeg", quality);
    if (blob.size <= MOST_BYTES) return blob;
  }
  throw new Refusal("content-too-large");
}

/** Turn the pixels into ink: opaque where they differ from the border, as the service's `polarity=auto` sees it. */
function toInk(context, width, height) {
  const pixels = context.getImageData(0, 0, width, height);
  const { data } = pixels;
  const light = (k) => (0.299 * data[k] + 0.587 * data[k + 1] + 0.114 * data[k + 2]) / 255;
  let [border, count, inked, weight] = [0, 0, 0, 0];
  for (let k = 0; k < data.length; k += 4) {
    const [x, y] = [(k / 4) % width, Math.floor(k / 4 / width)];
    inked += light(k) * data[k + 3];
    weight += data[k + 3];
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) {
      border += light(k);
      count += 1;
    }
  }
  const transparent = weight < 255 * width * height;
  const darkInk = transparent ? inked / weight < 0.5 : border / count > 0.5;
  for (let k = 0; k < data.length; k += 4) {
    const ink = darkInk ? 1 - light(k) : light(k);
    data[k + 3] = Math.round(ink * data[k + 3]);
  }
  context.putImageData(pixels, 0, 0);
}

/** One of the pictures in /web/digits. */
export async function sampleStep(name) {
  const response = await fetch(`/web/digits/${encodeURIComponent(name)}.png`).catch(() => null);
  if (!response?.ok) throw new Refusal(response?.status === 404 ? "bad-link" : "unreachable");
  return pictureStep(await response.blob(), name);
}

/** A square picture from its bytes: light ink on dark or, where it has three channels, one channel after the other. */
export async function pixelsStep(bytes) {
  const colour = !Number.isInteger(Math.sqrt(bytes.length));
  const size = colour ? bytes.length / 3 : bytes.length;
  const side = Math.sqrt(size);
  if (!side || !Number.isInteger(side)) throw new Refusal("bad-link");
  const context = sheet(side, side);
  const pixels = context.createImageData(side, side);
  for (let k = 0; k < size; k += 1) {
    const three = [0, 1, 2].map((channel) => bytes[colour ? channel * size + k : k]);
    pixels.data.set([...three, 255], 4 * k);
  }
  context.putImageData(pixels, 0, 0);
  return pictureStep(encoded(context, "image/png"));
}

// Pixels for a name below a picture, and the least and greatest size of its letters.
const CAPTION = { width: 54, letters: [8, 11] };
const NONE = { pictures: [], right: [], wrong: [] };

/**
 * `brought` is called with the step for the drawing and, for a network's own sample, the class to compare with; `failed` with what went
 * wrong; neither, if `next`, which is called for each, has something newer by then.
 */
export function bringing(next, brought, failed) {
  const bring = (step, versus = null) => {
    const current = next();
    step.then((one) => current() && brought(one, versus), (error) => current() && failed(error));
  };
  samples((name, versus) => bring(sampleStep(name), versus));

  const file = byId("file");
  byId("choose").addEventListener("click", () => file.click());
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
    byId("drop").classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) byId("drop").classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    byId("drop").classList.remove("over");
    const [picture] = event.dataTransfer.files;
    if (picture) bring(pictureStep(picture));
  });
}

/** A button with a sample's picture. */
function sample(name, label, caption, pressed) {
  const picture = element("img", { src: `/web/digits/${name}.png`, width: 28, height: 28, alt: "" });
  return button({ pressed, "data-testid": `sample-${name}`, "aria-label": label }, picture, caption ? element("span", "caption", caption) : null);
}

let file = null;

/** {pictures, right, wrong}: what samples.json lists for a network or for its data set; `wrong` are those that it misreads. */
async function samplesOf({ name, dataset }) {
  file ??= fetch("/web/digits/samples.json").then((response) => response.json());
  const all = await file.catch(() => ({}));
  return { ...NONE, ...all[dataset], ...all[name] };
}

/** An example to begin with, {step, truth, versus}: a test image that the network misreads, a 7 if there is one. Null where there is none. */
export async function exampleOf(network) {
  const { wrong } = await samplesOf(network);
  const { name, truth, versus } = wrong.find((one) => one.truth === 7) ?? wrong[0] ?? {};
  return name ? { step: await sampleStep(name), truth, versus } : null;
}

/**
 * Ten digits that every network reads, and what samples.json lists for the network that is chosen or for its data set:
 * `pictures` of each class, and those that are read right and wrong. `taken` is called with the name of a sample, and
 * with the class to compare with where there is one.
 */
function samples(taken) {
  const digits = Array.from({ length: 10 }, (_, digit) => {
    const one = sample(String(digit), "", "", () => taken(String(digit), null));
    onChange(() => one.setAttribute("aria-label", words().sample(digit)));
    return one;
  });
  byId("samples").append(...digits);
  let shown = "";
  onChange(async ({ model }) => {
    const network = listed(model);
    const wanted = `${model} ${words().language}`;
    // Before a network is chosen, there is nothing that it reads.
    if (!network || wanted === shown) return;
    shown = wanted;
    const { pictures, right, wrong } = await samplesOf(network);
    if (wanted !== shown) return;
    fill("pictures", pictures, network, taken);
    fill("right", right, network, taken);
    fill("misread", wrong, network, taken);
  });
}

/** A row of samples, each with its truth and what is read. */
function fill(id, own, { classes: names, input: { channels } }, taken) {
  byId(`${id}-title`).hidden = !own.length;
  // Names that are longer than a digit stand below the pictures, on a line each.
  const named = names.some(isLong);
  byId(id).classList.toggle("named", named);
  byId(id).style.setProperty("--letters", named ? `${letterSize(names.flatMap(partsOfName), CAPTION.width, CAPTION.letters)}px` : "");
  byId(id).classList.toggle("colour", channels > 1);
  const buttons = own.map(({ name, truth, predicted = truth, versus = null }) => {
    const said = words();
    const label =
      truth !== predicted ? said.misreadSample(names[truth], names[predicted])
      : versus === null ? said.sample(names[truth])
      : said.rightSample(names[truth], names[versus]);
    const reading = truth === predicted ? "" : `${named ? "\n" : " "}→ ${names[predicted]}`;
    return sample(name, label, names[truth] + reading, () => taken(name, versus));
  });
  byId(id).replaceChildren(...buttons);
}
