// One cell of a pair's map as a product: the weight of the class, times what the pair finds there.

/** [row, column] of the cell that adds or takes most. */
function largest(map) {
  const places = map.flatMap((line, row) => line.map((value, column) => [Math.abs(value), row, column]));
  return places.reduce((most, one) => (one[0] > most[0] ? one : most)).slice(1);
}

/** What a pair finds in a cell of pool2, where the network is linear: its part of what won there. */
function found({ conv2, conv2_filters: kernels, pool1, pool2 }, [i, j], [row, column]) {
  // With paired wiring the pair has a map of its own, bias and all.
  if (kernels[j].length === 1) return pool2[i * kernels.length + j][row][column];
  const window = [0, 1].flatMap((down) => [0, 1].map((right) => [2 * row + down, 2 * column + right]));
  const [top, left] = window.reduce((won, one) => (conv2[j][one[0]][one[1]] > conv2[j][won[0]][won[1]] ? one : won));
  return kernels[j][i].flatMap((line, y) => line.map((weight, x) => weight * pool1[i][top + y][left + x])).reduce((sum, part) => sum + part, 0);
}

/** {weight, activation, value} of the largest cell of a pair's map; null where the pair adds nothing. */
export function largestCell(process, maps, pair) {
  const map = maps[pair[0]][pair[1]];
  const place = largest(map);
  const value = map[place[0]][place[1]];
  if (value === 0) return null;
  const activation = found(process, pair, place);
  return { weight: value / activation, activation, value };
}
