// The example that a first visit begins with: what is said of it, and the region that decides it.

import { sideOf } from "../answers/network.js";
import { order } from "../answers/numbers.js";
import { byId, words, writeText } from "../shared.js";
import { nameOf } from "../state.js";

/** [row, column] of the region that, hidden, has this class read; of several the one that counts most. Null where there is none. */
function turning({ prediction, drop }, number) {
  const columns = prediction[0].length;
  const place = order(drop.flat()).find((k) => prediction.flat()[k] === number);
  return place === undefined ? null : [Math.floor(place / columns), place % columns];
}

/** Say it; gives [x, y, width, height] of the region, as shares of the picture, or null. */
export function showExample({ answer, example }) {
  const shown = example !== null && answer !== null;
  byId("example").hidden = !shown;
  document.body.classList.toggle("first-sight", shown);
  if (!shown) return null;
  const { process, question, where } = answer;
  const region = question === "occlusion" && process.predicted !== example ? turning(where, example) : null;
  writeText(byId("example-said"), words().example({ truth: nameOf(example), predicted: nameOf(process.predicted), turns: region !== null }));
  const share = where.region / sideOf(process.image);
  return region && [region[1] * share, region[0] * share, share, share];
}
