// Numbers into colours, as service/drawing/primitives/colours.py does it, from the same palette in css/colours.css.

const STEPS = 60;
const dark = matchMedia("(prefers-color-scheme: dark)");

/** "light" or "dark": what is chosen, else what the system prefers. */
export function theme() {
  return document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
}

/** Call back when the system's preference changes. */
export function onSystemTheme(callback) {
  dark.addEventListener("change", callback);
}

/** One colour of the palette as #rrggbb. The property holds both themes' colours, light first. */
export function colour(name) {
  const both = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
  return both.match(/#[0-9a-f]{6}/g)[theme() === "dark" ? 1 : 0];
}

function channels(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

function blend(anchors, share) {
  const place = share * (anchors.length - 1);
  const lower = Math.min(Math.floor(place), anchors.length - 2);
  return anchors[lower].map((value, k) => Math.round(value + (anchors[lower + 1][k] - value) * (place - lower)));
}

// Reading a custom property costs more than painting a map, so each theme's scales are made once.
const scales = new Map();

function scale(name, count, steps) {
  const key = `${theme()} ${name}`;
  if (!scales.has(key)) {
    const anchors = Array.from({ length: count }, (_, k) => channels(colour(`${name}-${k}`)));
    scales.set(key, Array.from({ length: steps + 1 }, (_, k) => blend(anchors, k / steps)));
  }
  return scales.get(key);
}

function clip(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

/** [red, green, blue] of a grey: 0 is the background and 1 is ink. */
export function grey(value) {
  return scale("grey", 2, 32)[Math.round(clip(value, 0, 1) * 32)];
}

/** [red, green, blue] of a signed number: ±limit and beyond are the ends of the scale, 0 its middle. */
export function diverging(value, limit) {
  const step = limit > 0 ? Math.round(clip(value / limit, -1, 1) * STEPS) : 0;
  return scale(step < 0 ? "negative" : "positive", 5, STEPS)[Math.abs(step)];
}

/** The greatest absolute value in nested arrays: what ±1 stands for in a scale that is centred on zero. */
export function limitOf(values) {
  return Array.isArray(values) ? values.reduce((most, part) => Math.max(most, limitOf(part)), 0) : Math.abs(values);
}
