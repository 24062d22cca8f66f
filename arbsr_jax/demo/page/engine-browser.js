// The engine that computes in this browser: a worker with onnxruntime-web, and nothing but static files.

const MOST = 60e6;  // pixels of a result: a canvas and its PNG stay well within what browsers allow
const FASTEST = "arbsr-fastest";  // what a trial found on this device
let worker = null;

export async function start() {
  const models = await (await fetch("models.json")).json();
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("service-worker.js").catch(() => {});
  const upscale = (picture, to, model, ...rest) => inWorker(picture, to, models.find(one => one.name === model), ...rest);
  const words = "The network computes in this browser, offline too.";
  const prepare = model => started().postMessage({ model: models.find(one => one.name === model), engine: device() });
  return { words, models, most: MOST, mostIn: MOST, upscale, prepare };
}

/** What shall compute: "wasm" in the address does without WebGPU, else what a trial found. */
const device = () => new URLSearchParams(location.search).get("engine") ?? remembered();

function started() {
  if (!worker) {
    worker = new Worker("worker.js", { type: "module" });
    worker.addEventListener("message", ({ data }) => data.fastest && remember(data.fastest));
  }
  return worker;
}

function inWorker(picture, to, model, progress, signal) {
  const mine = started(), engine = device();
  return new Promise((resolve, reject) => {
    const gone = () => {  // a product that has begun cannot be stopped otherwise
      mine.terminate();
      if (worker === mine) worker = null;
    };
    const stop = () => {
      gone();
      reject(new DOMException("cancelled", "AbortError"));
    };
    signal.addEventListener("abort", stop, { once: true });
    const end = does => value => {
      signal.removeEventListener("abort", stop);
      does(value);
    };
    mine.onerror = event => {
      gone();
      end(reject)(new Error(event.message || "the worker could not be started; reload the page"));
    };
    mine.onmessage = ({ data }) => {
      if (data.share !== undefined) progress(data.share, data.words);
      else if (data.error) end(reject)(new Error(data.error));
      else if (data.after) {
        const [before, after] = [data.before, data.after].map(blob => URL.createObjectURL(blob));
        end(resolve)({ before, after, model: `${model.name} (${data.device})` });
      }
    };
    createImageBitmap(picture.bitmap).then(bitmap => mine.postMessage({ bitmap, to, model, engine }, [bitmap]), end(reject));
  });
}

function remembered() {
  try {
    return localStorage.getItem(FASTEST);
  } catch {  // a browser that keeps nothing
    return null;
  }
}

function remember(device) {
  try {
    localStorage.setItem(FASTEST, device);
  } catch { /* then there is a trial each time */ }
}
