// The questions about regions: where the service answers each, and with which parameters.

import { region } from "./state.js";

/** `classes` are {target, versus} as they are asked about, by name; `pairs` says whether values can be split by pair. */
export const QUESTIONS = {
  occlusion: {
    path: "/explain/occlusion",
    parameters: (classes) => ({ region: region(), ...classes }),
    pairs: true,
  },
  shapley: {
    path: "/explain/shapley",
    parameters: (classes) => classes,
    pairs: true,
  },
  // Grounds are those of the prediction.
  grounds: {
    path: "/explain/grounds",
    parameters: () => ({}),
    pairs: false,
  },
};
