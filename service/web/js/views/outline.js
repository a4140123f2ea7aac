// Outlines of groups of the picture's pixels, and the corners where they are named.

export const NONE = -1;
const SIDE = 28;
const AROUND = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => [down, right]));

function at(groups, row, column) {
  return groups[row]?.[column] ?? NONE;
}

/**
 * Lines just inside each group, towards pixels of a lower group or of none: between two groups once.
 * `edge(k)` is where the k-th row or column of pixels begins: on a whole point of the screen, or lines would be dotted.
 */
export function drawOutlines(context, groups, edge, thickness) {
  groups.forEach((line, row) =>
    line.forEach((group, column) => {
      if (group === NONE) return;
      for (const [down, right] of AROUND) {
        if (at(groups, row + down, column + right) >= group) continue;
        const x = right === 1 ? edge(column + 1) - thickness : edge(column);
        const y = down === 1 ? edge(row + 1) - thickness : edge(row);
        context.fillRect(x, y, right ? thickness : edge(column + 1) - x, down ? thickness : edge(row + 1) - y);
      }
    }),
  );
}

/** [row, column] of the upper left of each group's first 2×2 pixels; groups without any have none. */
export function corners(groups) {
  const seen = new Set();
  const found = [];
  for (let start = 0; start < SIDE * SIDE; start += 1) {
    const digit = at(groups, Math.floor(start / SIDE), start % SIDE);
    if (digit === NONE || seen.has(start)) continue;
    const members = new Set([start]);
    for (const member of members) {
      const [row, column] = [Math.floor(member / SIDE), member % SIDE];
      for (const [y, x] of [[row - 1, column], [row + 1, column], [row, column - 1], [row, column + 1]]) {
        if (at(groups, y, x) === digit) members.add(y * SIDE + x);
      }
    }
    members.forEach((member) => seen.add(member));
    const blocks = [...members].filter((k) => k % SIDE < SIDE - 1 && [1, SIDE, SIDE + 1].every((step) => members.has(k + step)));
    if (blocks.length) {
      const first = Math.min(...blocks);
      found.push([Math.floor(first / SIDE), first % SIDE]);
    }
  }
  return found;
}
