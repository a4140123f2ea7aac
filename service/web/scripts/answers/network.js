// The shape of a network, and images as it sees them: [row][column] in grey, [channel][row][column] in colour. Stages, maps and cells are
// counted from 0 here, as in arrays.

/** The stages of a network, each with what it is given and what it makes: {number, inputs, maps, convolved, side, …}. */
export function stagesOf({ input: { channels, side: pixels }, stages }) {
  const layers = [[channels, pixels]];
  return stages.map((stage, number) => {
    // A stage is given the layer before it, or the sum of some layers of the same shape.
    const [inputs, below] = layers[stage.sources[0] ?? number];
    const paired = stage.wiring === "paired" || stage.kernel === 0;
    const behind = stage.padding_behind ?? stage.padding;
    const convolved = Math.floor((below + stage.padding + behind - Math.max(stage.kernel, 1)) / stage.stride) + 1;
    const maps = stage.filters * (paired ? inputs : 1);
    const side = stage.pool ? Math.floor((convolved - stage.pool.side) / stage.pool.stride) + 1 : convolved;
    layers.push([maps, side]);
    return { ...stage, number, paired, inputs, below, behind, convolved, maps, side };
  });
}

/** The names of a stage's activations: before the pool, and behind it. */
export function activationsOf({ activation, after }) {
  return [activation, after].filter((name) => name !== "none");
}

/** Whether a stage makes what is negative 0, and nothing else: ReLU. */
export function rectifies(stage) {
  return activationsOf(stage).every((name) => name === "relu") && activationsOf(stage).length > 0;
}

/** [A, B]: the maps that enter the last stage, and its filters. */
export function pairsOf(network) {
  const last = stagesOf(network).at(-1);
  return [last.inputs, last.filters];
}

/**
 * Which pixels belong to a cell of the last stage: {first, pitch}. Cell k looks at more of them, and its neighbour at
 * those `pitch` further: its own are the `pitch` in the middle of what it looks at. They begin at first + k · pitch.
 */
export function cellsOf({ stages }) {
  let [start, size, pitch] = [0, 1, 1];
  for (const { kernel, padding, stride, pool } of stages) {
    start -= padding * pitch;
    size += (Math.max(kernel, 1) - 1 + ((pool?.side ?? 1) - 1) * stride) * pitch;
    pitch *= stride * (pool?.stride ?? 1);
  }
  return { first: start + (size - pitch) / 2, pitch };
}

/** The input map and the filter that make map m of a stage; of summed stages, which add up all inputs, only the filter. */
export function partsOf({ paired, filters, inputs }, map) {
  if (!paired) return { filter: map };
  return inputs === 1 ? { filter: map } : { input: Math.floor(map / filters), filter: map % filters };
}

export function isColour(image) {
  return Array.isArray(image[0][0]);
}

/** [channel][row][column] of any image. */
export function channelsOf(image) {
  return isColour(image) ? image : [image];
}

export function sideOf(image) {
  return channelsOf(image)[0].length;
}

/** An image with another value at each place: `change(value, row, column, channel)`. */
export function changed(image, change) {
  const channels = channelsOf(image).map((map, channel) =>
    map.map((line, row) => line.map((value, column) => change(value, row, column, channel))),
  );
  return isColour(image) ? channels : channels[0];
}

/** [row][column]: how light each pixel looks (Rec. 709). */
export function lightness(image) {
  if (!isColour(image)) return image;
  const [red, green, blue] = image;
  return red.map((line, row) => line.map((value, column) => 0.2126 * value + 0.7152 * green[row][column] + 0.0722 * blue[row][column]));
}

/** The median of a channel's border, as the service takes it. */
function borderOf(map) {
  const inner = map.slice(1, -1).flatMap((line) => [line[0], line.at(-1)]);
  const values = [...map[0], ...map.at(-1), ...inner].sort((one, other) => one - other);
  const half = values.length / 2;
  return (values[half - 1] + values[half]) / 2;
}

/** The value of hidden pixels in each channel; `fill` is a number or "background". */
export function fillOf(image, fill) {
  return channelsOf(image).map((map) => (fill === "background" ? borderOf(map) : fill));
}

export function blank(side) {
  return Array.from({ length: side }, () => Array(side).fill(0));
}

/** A map with `padding` cells of a value before its first row and column, and `behind` of them behind the last. */
export function padded(map, padding, behind, value = 0) {
  const after = Math.max(behind, 0);
  if (!padding && !after) return map;
  const width = padding + map[0].length + after;
  const edge = (length) => Array.from({ length }, () => Array(width).fill(value));
  const beside = (length) => Array(length).fill(value);
  return [...edge(padding), ...map.map((line) => [...beside(padding), ...line, ...beside(after)]), ...edge(after)];
}

/** The square of a map that begins at [row, column]. */
export function cut(map, [row, column], side) {
  return map.slice(row, row + side).map((line) => line.slice(column, column + side));
}

/** [row, column] of the largest number of a map. */
export function highest(map) {
  const flat = map.flat();
  const k = flat.reduce((most, value, place) => (value > flat[most] ? place : most), 0);
  return [Math.floor(k / map[0].length), k % map[0].length];
}

/** The greatest absolute value in nested arrays: what ±1 stands for in a scale that is centred on zero. */
export function limitOf(values) {
  return Array.isArray(values) ? values.reduce((most, part) => Math.max(most, limitOf(part)), 0) : Math.abs(values);
}
