// The engine that computes in the Python program which serves this page.
import { label } from "./sizes.js";

const POLL = 150;  // milliseconds

export async function start() {
  const { model, restores, most, most_in: mostIn, most_bytes: mostBytes } = await answer(await fetch("facts.json"));
  const words = `${model} computes in Python on this machine.`;
  return { words, restores, models: [{ name: model }], most, mostIn, decode, upscale: (...all) => upscale(mostBytes, ...all) };
}

/** What the browser cannot show (TIFF, HEIC, RAW, JPEG XL), as a PNG. */
async function decode(file) {
  const response = await fetch("decoded", { method: "POST", body: file });
  return response.ok ? response.blob() : answer(response);
}

async function upscale(mostBytes, picture, to, model, progress, signal, restore) {
  if (picture.file.size > mostBytes) throw new Error(`files up to ${mostBytes / 2 ** 20} MiB are accepted`);
  const query = to.exact ? `size=${label(to)}` : `scale=${label(to)}`;
  const { token } = await answer(await fetch(`jobs?${query}&restore=${restore}`, { method: "POST", body: picture.file }));
  const cancel = () => fetch(`jobs/${token}`, { method: "DELETE" });
  signal.addEventListener("abort", cancel);
  try {
    for (;;) {
      const job = await answer(await fetch(`jobs/${token}`, { signal }));
      if (job.state === "failed") throw new Error(job.error);
      if (job.state === "done") break;
      if (job.state === "waiting") progress(0, `${job.ahead} before it in the queue`);
      else progress(job.share, job.compiling ? "compiling, once on this machine" : "");
      await new Promise(resolve => setTimeout(resolve, POLL));
    }
    const [before, after] = await Promise.all(["before", "after"].map(async name =>
      URL.createObjectURL(await (await fetch(`jobs/${token}/${name}.png`, { signal })).blob())));
    return { before, after, model: restore ? `${model}, restored` : model };
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

async function answer(response) {
  const content = await response.json();
  if (!response.ok) throw new Error(content.error);
  return content;
}
