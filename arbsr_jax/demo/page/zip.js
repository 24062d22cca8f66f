// A zip file of files that are compressed already: stored as they are (PKWARE's APPNOTE.TXT, method 0).

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

function crc(bytes) {
  let value = ~0;
  for (const byte of bytes) value = table[(value ^ byte) & 255] ^ (value >>> 8);
  return ~value >>> 0;
}

/** Little-endian numbers, each with its bytes: [[value, bytes], ...]. */
function packed(fields) {
  const content = new Uint8Array(fields.reduce((sum, [, size]) => sum + size, 0));
  let at = 0;
  for (const [value, size] of fields)
    for (let k = 0; k < size; k++) content[at++] = Math.floor(value / 256 ** k) & 255;
  return content;
}

const UTF8 = 0x800, VERSION = 20, DAY = 0x21;  // 1980-01-01: no clock, so that the same files make the same zip

/** A Blob of files [{name, blob}]; equal names get a number. */
export async function zip(files) {
  const parts = [], directory = [], names = new Set();
  let offset = 0;
  for (const { name, blob } of files) {
    let unique = name;
    for (let n = 2; names.has(unique); n++) unique = name.replace(/(\.[^.]*)?$/, ` (${n})$1`);
    names.add(unique);
    const bytes = new Uint8Array(await blob.arrayBuffer()), text = new TextEncoder().encode(unique);
    const facts = [[VERSION, 2], [UTF8, 2], [0, 2], [0, 2], [DAY, 2], [crc(bytes), 4], [bytes.length, 4], [bytes.length, 4], [text.length, 2], [0, 2]];
    const header = packed([[0x04034b50, 4], ...facts]);
    parts.push(header, text, blob);
    directory.push(packed([[0x02014b50, 4], [VERSION, 2], ...facts, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]]), text);
    offset += header.length + text.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = packed([[0x06054b50, 4], [0, 2], [0, 2], [names.size, 2], [names.size, 2], [size, 4], [offset, 4], [0, 2]]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
