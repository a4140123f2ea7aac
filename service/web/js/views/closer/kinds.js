// What the walk shows closely: for each layer, what its window sees and what it makes of that.

import { convolved, highest, pooled, sum } from "../../arithmetic.js";
import { limitOf } from "../../colours.js";
import { pairName } from "../../ledger.js";
import { decimalsFor, roundRowsToTotal, roundToTotal, rounded } from "../../numbers.js";

/** The numbers of a sum as they are shown: {products, terms, total}. */
function summed(products, others, total, decimals) {
  const shown = rounded(total, decimals);
  const terms = roundToTotal([sum(products), ...others], shown, decimals);
  return { products: roundRowsToTotal(products, terms[0], decimals), terms, total: shown };
}

/** The grids and the sum of one number of a convolution; `k` is the input map that is looked at. */
function convolution(said, { inputs, kernels, bias, place, k, tone, map }) {
  const { windows, products, value } = convolved(inputs, kernels, bias, place);
  const decimals = decimalsFor(limitOf(map));
  const others = inputs.length > 1 ? [sum(products) - sum(products[k])] : [];
  const shown = summed(products[k], [...others, bias], value, decimals);
  const names = [
    said.closer.sum(products[k].flat().length),
    ...others.map(() => said.closer.others(inputs.length - 1)),
    said.closer.bias,
  ];
  const [most, limit] = [limitOf(inputs), limitOf(kernels)];
  return {
    grids: [
      { name: said.closer.window(kernels[0].length), values: windows[k], limit: most, tone, decimals },
      { name: said.closer.weights, values: kernels[k], limit, tone: "signed", decimals },
      { name: said.closer.products, values: shown.products, limit: most * limit, tone: "signed", decimals },
    ],
    operators: ["×", "=", "→"],
    terms: names.map((name, part) => [name, shown.terms[part]]),
    total: shown.total,
    decimals,
  };
}

const conv1 = {
  choices: (said, process) => [{ name: said.closer.filter, maps: process.conv1_filters, tone: "signed" }],
  window: (process) => ({ side: process.conv1_filters[0].length, step: 1 }),
  layers: ({ image, conv1: maps }, [k]) => ({
    source: { name: null, map: image, limit: 1, tone: "ink" },
    result: { name: `conv1[${k}]`, map: maps[k], limit: limitOf(maps), tone: "signed" },
  }),
  numbers: (said, process, weights, [k], place) =>
    convolution(said, {
      inputs: [process.image],
      kernels: [weights.conv1_filters[k]],
      bias: weights.conv1_bias[k],
      place,
      k: 0,
      tone: "ink",
      map: process.conv1,
    }),
};

const pool1 = {
  choices: (said, process) => [{ name: said.closer.map, maps: process.conv1, tone: "signed" }],
  window: () => ({ side: 2, step: 2 }),
  layers: ({ conv1: before, pool1: after }, [k]) => ({
    source: { name: `conv1[${k}]`, map: before[k], limit: limitOf(before), tone: "signed" },
    result: { name: `pool1[${k}]`, map: after[k], limit: limitOf(after), tone: "ink" },
  }),
  numbers: (said, process, _, [k], place) => {
    const { window, kept, value } = pooled(process.conv1[k], place);
    const decimals = decimalsFor(limitOf(process.conv1));
    return {
      grids: [
        { name: said.closer.window(2), values: window, limit: limitOf(process.conv1), tone: "signed", decimals },
        { name: said.closer.kept, values: kept, limit: limitOf(process.pool1), tone: "ink", decimals, marked: highest(kept) },
      ],
      operators: ["→", "→"],
      terms: [],
      total: rounded(value, decimals),
      decimals,
    };
  },
};

const conv2 = {
  choices: (said, { pool1: maps, conv2_filters: filters }, [i]) => [
    { name: said.closer.map, maps, tone: "ink" },
    { name: said.closer.filter, maps: filters.map((kernels) => kernels[kernels.length === 1 ? 0 : i]), tone: "signed" },
  ],
  window: (process) => ({ side: process.conv2_filters[0][0].length, step: 1 }),
  layers: (process, [i, j]) => {
    const paired = process.conv2_filters[0].length === 1;
    const map = process.conv2[paired ? i * process.conv2_filters.length + j : j];
    const name = paired ? pairName([i, j]) : `conv2[${j}]`;
    return {
      source: { name: `pool1[${i}]`, map: process.pool1[i], limit: limitOf(process.pool1), tone: "ink" },
      result: { name, map, limit: limitOf(process.conv2), tone: "signed" },
    };
  },
  numbers: (said, process, weights, [i, j], place) => {
    const kernels = weights.conv2_filters[j];
    const paired = kernels.length === 1;
    return convolution(said, {
      inputs: paired ? [process.pool1[i]] : process.pool1,
      kernels,
      bias: weights.conv2_bias[j],
      place,
      k: paired ? 0 : i,
      tone: "ink",
      map: process.conv2,
    });
  },
};

/**
 * Of each layer: the maps that can be chosen, the window's side and step, the map it slides over and the one it makes,
 * and the numbers at one place.
 */
export const KINDS = { conv1, pool1, conv2 };
