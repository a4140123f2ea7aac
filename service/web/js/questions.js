// The questions about regions: where the service answers each, and with which parameters.

/** `classes` are {target, versus} as they are asked about. */
export const QUESTIONS = {
  occlusion: {
    path: "/explain/occlusion",
    parameters: ({ region }, classes) => ({ region, ...classes }),
    pairs: true,
  },
  shapley: {
    path: "/explain/shapley",
    parameters: (_, classes) => ({ ...classes }),
    pairs: true,
  },
  // Grounds are those of the prediction.
  grounds: {
    path: "/explain/grounds",
    parameters: () => ({}),
    pairs: false,
  },
};
