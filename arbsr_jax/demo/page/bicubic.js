// Keys' bicubic enlargement: mirrored borders, rows first, rounded between the two passes.

function weights(length, large, { p, q }) {
  const taps = new Int32Array(4 * large), shares = new Float64Array(4 * large);
  const cubic = x => x <= 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2;
  for (let i = 0; i < large; i++) {
    const at = ((2 * i + 1) * q - p) / (2 * p), below = Math.floor(at);
    for (let k = 0; k < 4; k++) {
      let tap = below - 1 + k;
      shares[4 * i + k] = cubic(Math.abs(at - tap));
      tap = ((tap % (2 * length)) + 2 * length) % (2 * length);
      taps[4 * i + k] = Math.min(tap, 2 * length - 1 - tap);
    }
  }
  return { taps, shares };
}

/** RGBA of width x height enlarged to a goal of `sizes.js`. */
export function bicubic(source, width, height, to) {
  const down = weights(height, to.height, to.rows), across = weights(width, to.width, to.columns);
  const tall = new Uint8ClampedArray(4 * width * to.height), large = new Uint8ClampedArray(4 * to.width * to.height);
  for (let y = 0; y < to.height; y++)
    for (let x = 0; x < 4 * width; x++) {
      let sum = 0;
      for (let k = 4 * y; k < 4 * y + 4; k++) sum += down.shares[k] * source[4 * width * down.taps[k] + x];
      tall[4 * width * y + x] = Math.floor(sum + 0.5);
    }
  for (let y = 0; y < to.height; y++)
    for (let x = 0; x < to.width; x++)
      for (let c = 0; c < 4; c++) {
        let sum = 0;
        for (let k = 4 * x; k < 4 * x + 4; k++) sum += across.shares[k] * tall[4 * (width * y + across.taps[k]) + c];
        large[4 * (to.width * y + x) + c] = Math.floor(sum + 0.5);
      }
  return large;
}
