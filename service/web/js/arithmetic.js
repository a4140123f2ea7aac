// What one number of a layer is made of: the products of a convolution, the cells of a pool, the weights of a class.

/** The square of a map that begins at [row, column]. */
function cut(map, [row, column], side) {
  return map.slice(row, row + side).map((line) => line.slice(column, column + side));
}

export function sum(values) {
  return values.flat(Infinity).reduce((total, value) => total + value, 0);
}

/** Two arrays of the same shape, multiplied value by value. */
export function times(one, other) {
  return one.map((part, k) => (Array.isArray(part) ? times(part, other[k]) : part * other[k]));
}

/** {windows, products, value} of one number of a convolution: one window and its products for each input map. */
export function convolved(inputs, kernels, bias, place) {
  const windows = inputs.map((map) => cut(map, place, kernels[0].length));
  const products = times(windows, kernels);
  return { windows, products, value: sum(products) + bias };
}

/** {window, kept, value} of one number of a 2×2 pool: what it sees, that without negative numbers, the largest of it. */
export function pooled(map, [row, column]) {
  const window = cut(map, [2 * row, 2 * column], 2);
  const kept = window.map((line) => line.map((value) => Math.max(value, 0)));
  return { window, kept, value: Math.max(...kept.flat()) };
}

/** [row, column] of the largest number of a map. */
export function highest(map) {
  const flat = map.flat();
  const k = flat.indexOf(Math.max(...flat));
  return [Math.floor(k / map[0].length), k % map[0].length];
}
