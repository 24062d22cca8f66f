// The engine that computes in the Python program which serves this page.
import { label } from "./sizes.js";

const POLL = 150;  // milliseconds
const SAMPLE = 96;  // pixels of a side

export async function start() {
  const { model, restores, most, most_in: mostIn, most_bytes: mostBytes } = await answer(await fetch("facts.json"));
  const words = `${model} computes in Python on this machine.`;
  return { words, restores, models: [{ name: model }], most, mostIn, decode, sample, upscale: (...all) => upscale(mostBytes, ...all) };
}

/** What the browser cannot show (TIFF, HEIC, RAW, JPEG XL), as a PNG. */
async function decode(file) {
  const response = await fetch("decoded", { method: "POST", body: file });
  return response.ok ? response.blob() : answer(response);
}

async function upscale(mostBytes, picture, to, model, progress, signal, restore) {
  if (picture.file.size > mostBytes) throw new Error(`files up to ${mostBytes / 2 ** 20} MiB are accepted`);
  const made = await job(picture.file, to.exact ? `size=${label(to)}` : `scale=${label(to)}`, restore, progress, signal);
  return { ...made, model: restore ? `${model}, restored` : model };
}

/** The middle of a picture, enlarged at a strength: what the dial does. */
async function sample(picture, { columns, rows }, restore, signal) {
  const [width, height] = [picture.width, picture.height].map(side => Math.min(side, SAMPLE));
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").drawImage(picture.bitmap, (width - picture.width) / 2, (height - picture.height) / 2);
  const scale = [columns, rows].map(({ value }) => value.toFixed(2)).join("x");
  const { before, after } = await job(await canvas.convertToBlob(), `scale=${scale}`, restore, () => {}, signal);
  URL.revokeObjectURL(before);
  return after;
}

async function job(file, query, restore, progress, signal) {
  const { token } = await answer(await fetch(`jobs?${query}&restore=${restore}`, { method: "POST", body: file }));
  const cancel = () => fetch(`jobs/${token}`, { method: "DELETE" });
  signal.addEventListener("abort", cancel);
  try {
    for (;;) {
      const state = await answer(await fetch(`jobs/${token}`, { signal }));
      if (state.state === "failed") throw new Error(state.error);
      if (state.state === "done") break;
      if (state.state === "waiting") progress(0, `${state.ahead} before it in the queue`);
      else progress(state.share, state.compiling ? "compiling, once on this machine" : "");
      await new Promise(resolve => setTimeout(resolve, POLL));
    }
    const [before, after] = await Promise.all(["before", "after"].map(async name =>
      URL.createObjectURL(await (await fetch(`jobs/${token}/${name}.png`, { signal })).blob())));
    return { before, after };
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

async function answer(response) {
  const content = await response.json();
  if (!response.ok) throw new Error(content.error);
  return content;
}
