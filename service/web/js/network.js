// The shape of a network: what follows from its stages. Stages, maps and cells are counted from 0 here, as in arrays.

const POOL = 2;

/** The stages of a network, each with what it is given and what it makes: {number, inputs, maps, convolved, side, …}. */
export function stagesOf({ input: { channels, side: pixels }, stages }) {
  let [maps, side] = [channels, pixels];
  return stages.map((stage, number) => {
    const [inputs, below] = [maps, side];
    const paired = stage.wiring === "paired";
    const convolved = below + 2 * stage.padding - stage.kernel + 1;
    maps = stage.filters * (paired ? inputs : 1);
    side = stage.pool ? Math.floor(convolved / POOL) : convolved;
    return { ...stage, number, paired, inputs, below, convolved, maps, side };
  });
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
  for (const { kernel, padding, pool } of stages) {
    const step = pool ? POOL : 1;
    start -= padding * pitch;
    size += (kernel + step - 2) * pitch;
    pitch *= step;
  }
  return { first: start + (size - pitch) / 2, pitch };
}

/** The input map and the filter that make map m of a stage; of summed stages, which add up all inputs, only the filter. */
export function partsOf({ paired, filters, inputs }, map) {
  if (!paired) return { filter: map };
  return inputs === 1 ? { filter: map } : { input: Math.floor(map / filters), filter: map % filters };
}
