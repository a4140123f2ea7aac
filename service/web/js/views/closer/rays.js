// Lines from the window to its numbers, and from their sum to the number of the map that it is.

const SVG = "http://www.w3.org/2000/svg";

/** `window` and `pixel` are {canvas, box}: a frame on a canvas. */
export function drawRays(box, { window, pixel, grid, sum }) {
  const svg = box.querySelector("svg");
  const whole = box.getBoundingClientRect();
  // Places are measured on the screen, and drawn on what is enlarged.
  const zoom = box.currentCSSZoom ?? 1;
  const [dx, dy] = [box.scrollLeft - whole.left / zoom, box.scrollTop - whole.top / zoom];
  const placed = (element) => {
    const { left, right, top } = element.getBoundingClientRect();
    return { left: left / zoom + dx, right: right / zoom + dx, top: top / zoom + dy };
  };
  const frame = ({ canvas, box: [x, y, width, height] }) => {
    const { left, top } = placed(canvas);
    return { left: left + x, right: left + x + width, bottom: top + y + height };
  };
  const [from, to] = [frame(window), placed(grid.tBodies[0])];
  const [start, end] = [placed(sum), frame(pixel)];
  const lines = [
    `M${from.left} ${from.bottom}L${to.left} ${to.top}`,
    `M${from.right} ${from.bottom}L${to.right} ${to.top}`,
    `M${(end.left + end.right) / 2} ${end.bottom}L${(start.left + start.right) / 2} ${start.top}`,
  ];
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", lines.join(""));
  svg.replaceChildren(path);
}
