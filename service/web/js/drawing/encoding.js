// Canvases that become files.

/** The context of a canvas outside of the page, of which a file can be made. */
export function sheet(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return canvas.getContext("2d", { willReadFrequently: true });
}

/**
 * The file with what was drawn on a sheet.
 *
 * Not by `toBlob` or `convertToBlob`: Chromium encodes for those when it has nothing else to do, and up to seven seconds
 * pass until it gives up waiting for that.
 */
export function encoded({ canvas }, type, quality) {
  const [, letters] = canvas.toDataURL(type, quality).split(",");
  return new Blob([Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0))], { type });
}
