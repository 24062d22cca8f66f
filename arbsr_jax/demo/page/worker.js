// The network on tiles of a picture, by onnxruntime-web: WebGPU if there is one, else WebAssembly.
import { bicubic } from "./bicubic.js";

const OVERLAP = 24;     // LR pixels that a tile sees beyond its core, as in the Python package
const VALUES = 2 ** 24; // of the largest array of features
const SIDE = 256;       // LR pixels of a tile's core, at most
const TRIAL = { side: 96, runs: 2, gain: 1.3 };  // WebGPU is taken if it is so many times as fast
const FILES = {
  WebGPU: { bundle: "ort.webgpu.bundle.min.mjs", wasm: "ort-wasm-simd-threaded.asyncify.wasm", providers: ["webgpu", "wasm"] },
  WebAssembly: { bundle: "ort.wasm.bundle.min.mjs", wasm: "ort-wasm-simd-threaded.wasm", providers: ["wasm"] },
};
const runtimes = new Map(), sessions = new Map(), choices = new Map();

/** A promise that is made once for a key, and again after it failed. */
function once(map, key, make) {
  if (!map.has(key)) map.set(key, make().catch(error => (map.delete(key), Promise.reject(error))));
  return map.get(key);
}

const runtime = device => once(runtimes, device, async () => {
  const ort = await import(`./runtime/${FILES[device].bundle}`);
  ort.env.wasm.wasmPaths = { wasm: new URL(`runtime/${FILES[device].wasm}`, self.location.href).href };
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency) : 1;
  return ort;
});

const session = (model, device) => once(sessions, `${device} ${model.name}`, async () => {
  const file = new URL(model.file, self.location.href).href;
  return (await runtime(device)).InferenceSession.create(file, { executionProviders: FILES[device].providers });
});

/** One result of a network as an array of floats. */
async function runOn(network, feeds) {
  const { hr } = await network.run(feeds), data = hr.getData ? await hr.getData() : hr.data;
  hr.dispose?.();
  return data;
}

/** What computes here: as asked or remembered, else what a short trial finds; the page remembers that. */
const choose = (model, engine) => once(choices, engine ?? "", () => chosen(model, engine));

async function chosen(model, engine) {
  const gpu = engine !== "wasm" && engine !== "WebAssembly" && await navigator.gpu?.requestAdapter().catch(() => null);
  if (!gpu) return "WebAssembly";
  if (engine === "WebGPU") return engine;
  postMessage({ share: 0, words: "preparing: trying what is faster here" });
  const milliseconds = {}, { side, runs, gain } = TRIAL;
  for (const device of ["WebAssembly", "WebGPU"])
    try {
      const network = await session(model, device), ort = await runtime(device), times = [];
      const axis = () => new ort.Tensor("int64", BigInt64Array.from([2, 1, 0, 0, 2 * side, 2 * side].map(BigInt)), [6]);
      for (let n = 0; n <= runs; n++) {  // the first one compiles
        const lr = new ort.Tensor("float32", new Float32Array(side * side * 3), [1, side, side, 3]), begin = performance.now();
        await runOn(network, { lr, rows: axis(), columns: axis() });
        if (n) times.push(performance.now() - begin);
      }
      milliseconds[device] = Math.min(...times);
    } catch {
      milliseconds[device] = Infinity;
    }
  const device = milliseconds.WebAssembly >= gain * milliseconds.WebGPU ? "WebGPU" : "WebAssembly";
  postMessage({ fastest: device });
  return device;
}

/** Tiles of one axis: the LR pixels that they see, the HR pixels that they make, and the network's six numbers. */
function tiles(side, { p, q }, length, core) {
  const found = [], count = Math.ceil(side / core), step = 2 * Math.ceil(side / count / 2);
  for (let first = 0; first < side; first += step) {
    const stop = Math.min(side, first + step), origin = Math.max(0, first - OVERLAP), end = Math.min(side, stop + OVERLAP);
    const from = Math.floor(first * p / q), to = stop === side ? length : Math.floor(stop * p / q);
    const numbers = BigInt64Array.from([p, q, origin, from, to, length].map(BigInt));
    found.push({ origin, end, from, to, numbers });
  }
  return found;
}

/** RGB of 0 to 255, floats, enlarged tile by tile; `write(pixel, r, g, b)` takes every result once. */
async function enlarge(ort, run, rgb, width, height, to, channels, write, progress) {
  const factor = to.rows.value * to.columns.value;
  const core = Math.max(16, Math.min(SIDE, 2 * Math.floor(Math.sqrt(VALUES / channels / factor) / 2)));
  const rows = tiles(height, to.rows, to.height, core), columns = tiles(width, to.columns, to.width, core);
  let done = 0;
  for (const row of rows)
    for (const column of columns) {
      const [h, w] = [row.end - row.origin, column.end - column.origin], seen = new Float32Array(h * w * 3);
      for (let y = 0; y < h; y++) {
        const start = ((row.origin + y) * width + column.origin) * 3;
        seen.set(rgb.subarray(start, start + w * 3), y * w * 3);
      }
      const hr = await run({
        lr: new ort.Tensor("float32", seen, [1, h, w, 3]),
        rows: new ort.Tensor("int64", row.numbers, [6]), columns: new ort.Tensor("int64", column.numbers, [6]),
      });
      const across = column.to - column.from;
      for (let y = row.from, at = 0; y < row.to; y++)
        for (let x = column.from; x < column.to; x++, at += 3) write(y * to.width + x, hr[at], hr[at + 1], hr[at + 2]);
      if (hr.length !== across * (row.to - row.from) * 3) throw new Error("the network's result has another size");
      progress(++done / (rows.length * columns.length));
    }
}

const rounded = x => Math.min(255, Math.max(0, Math.floor(x + 0.5)));

async function upscale({ bitmap, to, model }, device) {
  postMessage({ share: 0, words: "preparing: loading the network" });
  const network = await session(model, device), ort = await runtime(device);
  postMessage({ share: 0, words: "enlarging" });
  const { width, height } = bitmap, count = width * height, run = feeds => runOn(network, feeds);
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const source = context.getImageData(0, 0, width, height).data;
  const alphas = new Set();
  for (let i = 0; i < count && alphas.size < 2; i++) alphas.add(source[4 * i + 3]);
  const plain = alphas.size < 2, parts = plain ? 1 : 2, rgb = new Float32Array(3 * count);
  // Colours are multiplied by alpha before and divided after: what is hidden under transparent pixels stays hidden.
  for (let i = 0; i < count; i++)
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = plain ? source[4 * i + c] : source[4 * i + c] * source[4 * i + 3] / 255;
  const large = new Uint8ClampedArray(4 * to.width * to.height);
  const share = part => done => postMessage({ share: 0.97 * (part + done) / parts });
  if (plain) {
    const alpha = alphas.values().next().value;
    await enlarge(ort, run, rgb, width, height, to, model.channels, (at, r, g, b) => {
      [large[4 * at], large[4 * at + 1], large[4 * at + 2], large[4 * at + 3]] = [rounded(r), rounded(g), rounded(b), alpha];
    }, share(0));
  } else {
    const colours = new Float32Array(3 * to.width * to.height);
    await enlarge(ort, run, rgb, width, height, to, model.channels, (at, r, g, b) => {
      [colours[3 * at], colours[3 * at + 1], colours[3 * at + 2]] = [r, g, b];
    }, share(0));
    for (let i = 0; i < count; i++) rgb.fill(source[4 * i + 3], 3 * i, 3 * i + 3);
    await enlarge(ort, run, rgb, width, height, to, model.channels, (at, r, g, b) => {
      const alpha = Math.min(255, Math.max(0, (r + g + b) / 3));
      for (let c = 0; c < 3; c++) large[4 * at + c] = alpha > 0 ? rounded(255 * colours[3 * at + c] / alpha) : 0;
      large[4 * at + 3] = rounded(alpha);
    }, share(1));
  }
  const encoded = async pixels => {
    const whole = new OffscreenCanvas(to.width, to.height);
    whole.getContext("2d").putImageData(new ImageData(pixels, to.width, to.height), 0, 0);
    return whole.convertToBlob({ type: "image/png" });
  };
  const after = await encoded(large), before = await encoded(bicubic(source, width, height, to));
  postMessage({ after, before, device });
}

self.onmessage = async ({ data }) => {
  if (!data.bitmap)  // a picture was chosen: what its result needs is loaded meanwhile
    return choose(data.model, data.engine).then(device => session(data.model, device)).catch(() => {});
  let device = "WebAssembly";
  try {
    device = await choose(data.model, data.engine);
    await upscale(data, device);
  } catch (error) {
    if (device === "WebAssembly") return postMessage({ error: words(error) });
    postMessage({ share: 0, words: "WebGPU failed; the processor goes on" });
    postMessage({ fastest: "WebAssembly" });
    choices.clear();
    return upscale(data, "WebAssembly").catch(again => postMessage({ error: words(again) }));
  }
};

const words = error => /memory|alloc|buffer|OOM/i.test(error?.message ?? "")
  ? "this browser has too little memory for a picture of that size; make it smaller" : `${error?.message ?? error}`.split("\n")[0];
