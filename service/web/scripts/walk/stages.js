// What the walk shows closely of a stage: what the window of its convolution or its pool sees, and what it makes of that.

import { sum, times } from "../answers/account.js";
import { activationsOf, channelsOf, cut, highest, isColour, limitOf, padded, partsOf, rectifies, stagesOf } from "../answers/network.js";
import { decimalsFor, greatest, rounded, roundedSum, rowsLike } from "../answers/numbers.js";
import { toneOf } from "../painting.js";
import { state } from "../state.js";

// Of more input maps than this, those whose part of a number is greatest are named.
const FEW_INPUTS = 4;
const NAMED = 2;

/** The maps of a layer that came with the answer: {number, map, tone}. Layer 0 is the image. */
function layerMaps({ process }, layer) {
  if (layer === 0) {
    const channels = channelsOf(process.image);
    return channels.map((map, k) => ({ number: k, map, tone: toneOf(k, channels.length) }));
  }
  const { shown, maps } = process.stages[layer - 1];
  const tone = toneBelow(maps);
  return maps.map((map, k) => ({ number: shown[k], map, tone }));
}

/** The layers whose maps, added up, a stage is given. */
const sourcesOf = ({ sources, number }) => (sources.length ? sources : [number]);

/** The maps that enter a stage, of those that came with the answer; of several layers, what came of all of them. */
function entering(facts, stage) {
  const [first, ...others] = sourcesOf(stage).map((layer) => layerMaps(facts, layer));
  const known = others.map((maps) => new Map(maps.map((one) => [one.number, one.map])));
  return first.filter(({ number }) => known.every((maps) => maps.has(number))).map((one) => {
    const map = known.reduce((total, maps) => total.map((line, r) => line.map((value, c) => value + maps.get(one.number)[r][c])), one.map);
    return { ...one, map, tone: others.length ? toneBelow([map]) : one.tone };
  });
}

/** The name of a map that a stage is given. */
function inputName(said, { network, process }, stage, input) {
  const [layer, ...others] = sourcesOf(stage);
  if (others.length) return said.map(input);
  if (layer === 0) return isColour(process.image) ? said.channels[input] : said.layers.picture;
  const before = stagesOf(network)[layer - 1];
  const name = said.mapOf(layer, partsOf(before, input));
  const behind = activationsOf(before).map((one) => state.activations[one].words);
  return before.pool ? said.pooled(name) : said.activated(name, behind);
}

/** The convolution of a stage; a choice is [input map, filter]. */
function convolution(facts, number) {
  const { process, network, card } = facts;
  const stage = stagesOf(network)[number];
  const answer = process.stages[number];
  const inputs = entering(facts, stage);
  const known = new Map(inputs.map((one) => [one.number, one]));
  const mapOf = ([input, filter]) => (stage.paired ? input * stage.filters + filter : filter);
  const indexOf = (choice) => answer.shown.indexOf(mapOf(choice));
  const made = answer.shown.map((map) => partsOf(stage, map));
  const edge = (input) => (sourcesOf(stage).includes(0) ? card?.input.border?.[input] ?? 0 : 0);
  // A filter sees the maps of its group.
  const [within, ofGroup] = [stage.inputs / stage.groups, stage.filters / stage.groups];
  const kernelOf = (index, input) => answer.filters[index][stage.paired ? 0 : input % within];
  const meets = (input, filter) => Math.floor(input / within) === Math.floor(filter / ofGroup);
  /** The filters that can be chosen with an input. */
  const filtersOf = (input) => {
    const each = made.map(({ input: own, filter }, k) => ({ own, filter, k }));
    return each.filter(({ own, filter }) => (own === undefined ? stage.groups === 1 || meets(input, filter) : own === input));
  };

  return {
    window: { side: Math.max(stage.kernel, 1), step: stage.stride },
    /** The nearest choice of which the numbers came. */
    settle([input, filter]) {
      const from = inputs.filter((one) => filtersOf(one.number).length);
      const chosen = from.find((one) => one.number === input) ?? from[0];
      const filters = filtersOf(chosen.number).map((one) => one.filter);
      return [chosen.number, filters.includes(filter) ? filter : filters[0]];
    },
    choices(said, [input]) {
      const from = inputs.filter((one) => filtersOf(one.number).length);
      const filters = filtersOf(input).map(({ filter, k }) => ({ number: filter, map: kernelOf(k, input), tone: "signed" }));
      const filter = { part: 1, name: said.closer.filter, options: filters };
      return stage.inputs > 1 ? [{ part: 0, name: number ? said.closer.map : said.closer.channel, options: from }, filter] : [filter];
    },
    layers(said, choice) {
      const { map, tone } = known.get(choice[0]);
      const limit = number === 0 ? 1 : limitOf(inputs.map((one) => one.map));
      const source = padded(map, stage.padding, stage.behind, edge(choice[0]));
      return {
        source: { name: inputName(said, facts, stage, choice[0]), map: source, padding: stage.padding, side: stage.below, limit, tone },
        result: {
          name: said.mapOf(number + 1, partsOf(stage, mapOf(choice))),
          map: answer.convolution[indexOf(choice)],
          limit: limitOf(answer.convolution),
          tone: "signed",
        },
      };
    },
    numbers(said, choice, place) {
      const [index, [input]] = [indexOf(choice), choice];
      const partOf = (one) => {
        const at = place.map((cell) => stage.stride * cell);
        const window = cut(padded(known.get(one).map, stage.padding, stage.behind, edge(one)), at, Math.max(stage.kernel, 1));
        return { window, products: times(window, kernelOf(index, one)) };
      };
      const { window, products } = partOf(input);
      const value = answer.convolution[index][place[0]][place[1]];
      const kept = answer.bias[index] ?? 0;
      const bias = Array.isArray(kept) ? kept[place[0]][place[1]] : kept;
      const decimals = decimalsFor(limitOf(answer.convolution));
      const many = stage.paired ? 1 : within;
      // What comes of all other input maps, whether they came with the answer or not.
      let rest = value - bias - sum(products);
      const named = many > FEW_INPUTS ? greatestParts(inputs.filter((one) => one.number !== input && meets(one.number, choice[1])), (one) => sum(partOf(one.number).products)) : [];
      for (const { part } of named) rest -= part;
      const others = many > 1 ? [...named.map(({ part }) => part), rest] : [];
      const shown = roundedSum(products.flat(), [...others, bias], value, decimals);
      const names = [
        said.closer.sum(stage.kernel ** 2),
        ...named.map((one) => said.map(one.number)),
        ...(many > 1 ? [said.closer.others(many - 1 - named.length)] : []),
        said.closer.bias,
      ];
      const [most, limit] = [number === 0 ? 1 : limitOf(inputs.map((one) => one.map)), limitOf(answer.filters)];
      return {
        grids: [
          { name: said.closer.window(stage.kernel), values: window, limit: most, tone: "ink", decimals },
          { name: said.closer.weights, values: kernelOf(index, input), limit, tone: "signed", decimals },
          { name: said.closer.products, values: rowsLike(products, shown.parts), limit: most * limit, tone: "signed", decimals },
        ],
        operators: ["×", "=", "→"],
        terms: names.map((name, part) => [name, shown.terms[part]]),
        total: shown.total,
        decimals,
      };
    },
  };
}

/** Those with the greatest parts: {number, part}. */
function greatestParts(inputs, partOf) {
  const parts = inputs.map((one) => ({ number: one.number, part: partOf(one) }));
  return greatest(parts.map(({ part }) => part), NAMED).map((place) => parts[place]);
}

/** The tone of maps behind an activation: behind one such as tanh, numbers have signs. */
export function toneBelow(maps) {
  return maps.flat(2).some((value) => value < 0) ? "signed" : "ink";
}

/** The pool of a stage; a choice is [map]. */
function pool({ process, network }, number) {
  const stage = stagesOf(network)[number];
  const { shown, convolution: before, maps: after } = process.stages[number];
  const { side, stride: step, kind } = stage.pool;
  // The function of another activation is the service's: of what it makes, only the result is shown.
  const [zeroes, mean, tone] = [rectifies(stage) && stage.activation === "relu", kind === "mean", toneBelow(after)];
  return {
    window: { side, step },
    settle: ([map]) => [shown.includes(map) ? map : shown[0]],
    choices: (said) => [{ part: 0, name: said.closer.map, options: before.map((map, k) => ({ number: shown[k], map, tone: "signed" })) }],
    layers(said, [map]) {
      const name = said.mapOf(number + 1, partsOf(stage, map));
      const k = shown.indexOf(map);
      return {
        source: { name, map: before[k], padding: 0, side: stage.convolved, limit: limitOf(before), tone: "signed" },
        result: { name: said.pooled(name), map: after[k], limit: limitOf(after), tone },
      };
    },
    numbers(said, [map], [row, column]) {
      const window = cut(before[shown.indexOf(map)], [step * row, step * column], side);
      const decimals = decimalsFor(limitOf(before));
      const kept = window.map((line) => line.map((value) => Math.max(value, 0)));
      const marked = mean ? {} : { marked: highest(zeroes ? kept : window) };
      const first = { name: said.closer.window(side), values: window, limit: limitOf(before), tone: "signed", decimals };
      const second = { name: said.closer.kept, values: kept, limit: limitOf(after), tone: "ink", decimals, ...marked };
      return {
        grids: zeroes ? [first, second] : [{ ...first, ...marked }],
        operators: zeroes ? ["→", "→"] : ["→"],
        terms: [],
        total: rounded(after[shown.indexOf(map)][row][column], decimals),
        decimals,
      };
    },
  };
}

/**
 * Of each kind, for {process, network, card} and the number of a stage: the window's side and step; the nearest choice
 * that there is; the maps that can be chosen; the map that the window slides over and the one it makes; and the numbers
 * at one place.
 */
export const KINDS = { convolution, pool };
