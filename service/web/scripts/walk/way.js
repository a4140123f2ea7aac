// The way of one map through a network: from the picture to it, on to the classes, and what it adds to each of them.

import { sum } from "../answers/account.js";
import { partsOf, stagesOf } from "../answers/network.js";

/** Whether a map of a stage is made of this map of the stage before. */
export function isMadeOf(stage, map, input) {
  return (partsOf(stage, map).input ?? input) === input;
}

/**
 * The way of map m of a stage: {stages, has, adds}.
 *
 * `stages` are the numbers of the maps in it, a set for each stage; `has` says of a pair [map, filter] whether it is in it; `adds` gives
 * what the map adds to a class, or null where it is added up with others before it gets to the pairs.
 */
export function wayOf({ network, process }, { number, map }) {
  const all = stagesOf(network);
  const last = all.at(-1);
  const maps = all.map(() => new Set());
  maps[number].add(map);
  const numbers = (count) => [...Array(count).keys()];
  for (const stage of all.slice(1, number + 1).reverse()) {
    const made = [...maps[stage.number]];
    maps[stage.number - 1] = new Set(numbers(stage.inputs).filter((input) => made.some((one) => isMadeOf(stage, one, input))));
  }
  for (const stage of all.slice(number + 1)) {
    const from = [...maps[stage.number - 1]];
    maps[stage.number] = new Set(numbers(stage.maps).filter((one) => from.some((input) => isMadeOf(stage, one, input))));
  }
  const has = ([i, j]) => maps.at(-1).has(last.paired ? i * last.filters + j : j) && (maps.at(-2)?.has(i) ?? true);
  const alone = all.slice(number + 1, -1).every((stage) => stage.paired || stage.inputs === 1);
  const adds = (target) => {
    const pairs = process.contributions[target].map((row, i) => row.filter((_, j) => has([i, j])));
    // The bias of a filter is in its map, and not in the maps before.
    return sum(pairs) + (number === last.number && !last.paired ? process.filter_bias[target][map] : 0);
  };
  return { stages: maps, has, adds: alone ? adds : null };
}
