// What becomes of a result: a file of a kind, the clipboard, or all results as one zip file.
import { zip } from "./zip.js";

export const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const ENDINGS = { png: "png", jpeg: "jpg", webp: "webp" };

/** The blob of a result in a kind of file. */
async function encoded(result, kind, quality) {
  const png = await (await fetch(result.after)).blob();
  if (kind === "png") return png;
  const bitmap = await createImageBitmap(png), canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  if (kind === "jpeg") {  // it has no transparency
    context.fillStyle = "#fff";
    context.fillRect(0, 0, bitmap.width, bitmap.height);
  }
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.convertToBlob({ type: `image/${kind}`, quality });
}

const named = (result, kind) => result.name.replace(/png$/, ENDINGS[kind]);

/** The address and name of a result as a file; the one before is given back. */
export async function save(result, kind, quality) {
  if (kind === "png") return { href: result.after, name: named(result, kind) };
  const blob = await encoded(result, kind, quality);
  if (result.saved) URL.revokeObjectURL(result.saved.href);
  result.saved = { href: URL.createObjectURL(blob), name: named(result, kind) };
  return result.saved;
}

/** Put a result into the clipboard; says in words whether it is there. */
export async function copy(result) {
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": (await fetch(result.after)).blob() })]);
    return "Copied.";
  } catch {
    return "This browser does not let the page copy; use Save.";
  }
}

/** Save several results as one zip file. */
export async function saveAll(results, kind, quality) {
  const files = [];
  for (const result of results) files.push({ name: named(result, kind), blob: await encoded(result, kind, quality) });
  const href = URL.createObjectURL(await zip(files));
  Object.assign(document.createElement("a"), { href, download: "enlarged.zip" }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
