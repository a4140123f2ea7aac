// A picture of 16-bit greys as a PNG: canvases know only 8 bits, and a fitted digit has greys between those.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const GREYS = 65_535;

function checksum(bytes) {
  let rest = ~0;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit += 1) rest = (rest >>> 1) ^ (0xedb88320 & -(rest & 1));
  }
  return ~rest >>> 0;
}

function fourBytes(value) {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
}

function chunk(name, content) {
  const body = [...new TextEncoder().encode(name), ...content];
  return [...fourBytes(content.length), ...body, ...fourBytes(checksum(body))];
}

/** Rows of greys in [0, 1] as a file. */
export async function png16(rows) {
  const lines = rows.flatMap((row) => [
    0,
    ...row.flatMap((value) => {
      const grey = Math.round(value * GREYS);
      return [grey >> 8, grey & 255];
    }),
  ]);
  const packed = new Blob([Uint8Array.from(lines)]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(packed).arrayBuffer());
  const header = [...fourBytes(rows[0].length), ...fourBytes(rows.length), 16, 0, 0, 0, 0];
  const bytes = [...SIGNATURE, ...chunk("IHDR", header), ...chunk("IDAT", data), ...chunk("IEND", [])];
  return new Blob([Uint8Array.from(bytes)], { type: "image/png" });
}
