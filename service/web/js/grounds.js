// The grounds as maps, as models/grounds.py has them: when each pixel was moved from the picture to an empty sheet.

/** (28, 28): 1 for what was moved first, falling to 0 at the end of the evidence and on to −1 for the last. */
export function heat({ turn, regions, evidence }) {
  const share = (place) =>
    place <= evidence ? (evidence + 1 - place) / evidence : (evidence - place) / (regions - evidence);
  return turn.map((line) => line.map((place) => (place ? share(place) : 0)));
}

/** (28, 28): whether a pixel is one of those that are enough, and needed. */
export function proven({ turn, proof }) {
  return turn.map((line) => line.map((place) => place > 0 && place <= (proof?.regions ?? 0)));
}
