// The page: pictures in, their new size, the run, and what came out.
import { Comparison } from "./compare.js";
import { Editor } from "./edit.js";
import { bar, estimate, learn, remaining } from "./progress.js";
import { clamp, save, saveAll, copy } from "./save.js";
import { STEP, allowed, byBox, byFactors, byPage, byShape, bySize, label } from "./sizes.js";

const $ = id => document.getElementById(id);
const pictures = [];  // {name, file, bitmap, width, height, thumb, result}
const comparison = new Comparison();
let current = null, rule = byFactors(2.5, 2.5), running = null, comparing = false;

const kind = document.querySelector("meta[name=engine]").content;
const engine = await (await import(`./engine-${kind}.js`)).start();
$("engine").textContent = engine.words;
$("models").hidden = engine.models.length < 2;
$("restores").hidden = !engine.restores;
for (const { name, words } of engine.models) $("model").add(new Option(words ? `${words} (${name})` : name, name));

const goal = picture => allowed(rule, picture, engine.most);
const say = text => { $("status").textContent = text; };
const complain = text => { $("error").textContent = text; };
const also = text => complain(`${$("error").textContent}\n${text}`.trim());
const editor = new Editor(setFactors);

/** Hide an element; what had the focus inside gives it to another one. */
function hide(id, hidden, next) {
  const element = $(id), had = hidden && element.contains(document.activeElement);
  element.hidden = hidden;
  if (had) $(next).focus();
}

function draw() {
  $("list").hidden = pictures.length < 2;
  for (const id of ["more", "clear"]) hide(id, !current, "file");
  $("welcome").hidden = Boolean(current);
  $("go").disabled = !current || Boolean(running);
  $("go").textContent = pictures.length > 1 ? `Enlarge ${pictures.length} pictures` : "Enlarge";
  hide("cancel", !running, "go");
  for (const [index, { firstChild: button }] of [...$("list").children].entries()) {
    button.ariaCurrent = String(pictures[index] === current);
    button.dataset.state = pictures[index].state ?? "";
  }
  for (const input of document.querySelectorAll("#form input, #presets button")) input.disabled = !current;
  const result = current?.result;
  $("switch").hidden = $("saving").hidden = !result;
  $("result").hidden = !(result && comparing);
  $("edit").hidden = !current || !$("result").hidden;
  $("showSize").ariaPressed = String(!comparing);
  $("showResult").ariaPressed = String(comparing);
  if (!current) {
    $("words").textContent = "Choose a picture first.";
    return;
  }
  const to = goal(current), { width, height, columns, rows } = to;
  [$("width").value, $("height").value, $("h").value, $("v").value] = [width, height, columns.value, rows.value];
  $("wordsH").textContent = "×" + columns.value.toFixed(2);
  $("wordsV").textContent = "×" + rows.value.toFixed(2);
  const held = to.clamped ? `; more than ×8 or ${Math.round(engine.most / 1e6)} Mpx is not made here` : "";
  const time = estimate($("model").value, pictures.map(picture => [picture, goal(picture)]));
  $("words").textContent = `${current.width} × ${current.height} becomes ${width} × ${height} pixels${time}${held}`;
  const old = Boolean(result) && (result.width !== width || result.height !== height);
  $("showResult").textContent = old ? `Result of ${result.width} × ${result.height}` : "Result";
  document.body.classList.toggle("old", old);
  if (!$("edit").hidden) editor.show(current, to);
}

function setRule(next) {
  rule = next;
  comparing = false;
  draw();
}

/** Factors as multiples of the sliders' step; tied to each other but where `free` says otherwise. */
function setFactors(h, v, free = !$("tied").checked) {
  const near = x => clamp(Math.round(x * STEP) / STEP, 1, 8);
  setRule(byFactors(near(h), near(free ? v : h)));
}

async function add(files) {
  complain("");
  for (const file of files) {
    try {
      const bitmap = await decoded(file), { width, height } = bitmap;
      if (width * height > engine.mostIn) {
        bitmap.close();
        also(`${file.name}: ${width} × ${height} is more than the ${Math.round(engine.mostIn / 1e6)} Mpx that are taken here.`);
        continue;
      }
      const picture = { name: file.name || "pasted.png", file, bitmap, width, height };
      pictures.push(picture);
      listed(picture);
      select(picture);
      engine.prepare?.($("model").value || engine.models[0].name);
    } catch (error) {
      also(`${file.name}: ${error.message}`);
    }
  }
  draw();
}

const OPTIONS = { imageOrientation: "from-image", premultiplyAlpha: "none" };

/** A file as a bitmap, by the browser or, if it cannot, by the engine. */
async function decoded(file) {
  try {
    return await createImageBitmap(file, OPTIONS);
  } catch {
    if (!engine.decode) throw new Error("is no picture that this browser can show.");
    return createImageBitmap(await engine.decode(file), OPTIONS);
  }
}

function listed(picture) {
  const button = document.createElement("button"), image = document.createElement("canvas"), item = document.createElement("li");
  const scale = Math.min(84 / picture.width, 54 / picture.height);
  Object.assign(image, { width: Math.max(1, picture.width * scale), height: Math.max(1, picture.height * scale) });
  image.getContext("2d").drawImage(picture.bitmap, 0, 0, image.width, image.height);
  button.append(image, picture.name);
  button.title = picture.name;
  button.addEventListener("click", () => select(picture));
  item.append(button);
  $("list").append(item);
}

function select(picture) {
  current = picture;
  comparing = Boolean(picture.result);
  if (picture.result) show(picture);
  draw();
}

async function show({ result }) {
  $("facts").textContent = result.facts;
  $("right").textContent = result.model;
  $("saveAll").hidden = pictures.filter(one => one.result).length < 2;
  comparing = true;
  draw();
  await prepared();
  await comparison.show(result.before, result.after, result.width, result.height);
  document.body.dataset.done = result.name;
}

/** The link to save the current result in the kind that is chosen. */
async function prepared() {
  const result = current?.result;
  $("qualities").hidden = $("kind").value === "png";
  $("wordsQ").textContent = $("quality").value;
  if (!result) return;
  const { href, name } = await save(result, $("kind").value, +$("quality").value / 100);
  if (current?.result === result) Object.assign($("save"), { href, download: name });
}

async function run() {
  complain("");
  delete document.body.dataset.done;
  const { signal } = running = new AbortController(), network = $("model").value || engine.models[0].name;
  const begin = performance.now(), queue = pictures.map(picture => [picture, goal(picture)]), count = queue.length;
  for (const [picture] of queue) picture.state = "waiting";
  draw();
  for (const [index, [picture, to]] of queue.entries()) {
    if (signal.aborted) break;
    const began = performance.now();
    let enlarging = began;  // networks are loaded and programs compiled before
    const progress = (share, words = "") => {
      if (signal.aborted) return;
      bar((index + share) / count);
      if (words && !share) enlarging = performance.now();
      const left = remaining(performance.now() - enlarging, share);
      say([count > 1 ? `${picture.name} (${index + 1} of ${count})` : "", words || left].filter(Boolean).join(": "));
    };
    picture.state = "running";
    progress(0, "preparing");
    draw();
    try {
      const made = await engine.upscale(picture, to, network, progress, signal, +$("restore").value);
      if (signal.aborted) {
        forget({ result: made });
        break;
      }
      forget(picture);
      const seconds = (performance.now() - began) / 1000;
      learn(network, picture, to, (performance.now() - enlarging) / 1000);
      const facts = `${picture.name}: ${picture.width} × ${picture.height} became ${to.width} × ${to.height} in ${seconds.toFixed(1)} s`;
      picture.result = { ...made, ...to, facts, name: `${picture.name.replace(/\.[^.]*$/, "")}_${label(to)}.png` };
      picture.state = "done";
      select(picture);
    } catch (error) {
      if (signal.aborted) break;
      picture.state = "failed";
      also(`${picture.name}: ${error.message}`);
    }
  }
  for (const picture of pictures) if (["waiting", "running"].includes(picture.state)) picture.state = "";
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  say(signal.aborted ? "Cancelled." : queue.some(([one]) => one.state === "done") ? `Done in ${seconds} s.` : "");
  bar(null);
  running = null;
  draw();
  if (!signal.aborted && current?.result) {
    $("view").focus({ preventScroll: true });
    $("stage").scrollIntoView({ block: "nearest" });
  }
}

/** Give back the memory of a result. */
function forget({ result }) {
  if (result) for (const url of [result.before, result.after, result.saved?.href]) if (url) URL.revokeObjectURL(url);
}

function clear() {
  running?.abort();
  for (const picture of pictures.splice(0)) {
    forget(picture);
    picture.bitmap.close();
  }
  $("list").replaceChildren();
  current = null;
  draw();
}

function compareOrEdit(compare) {
  comparing = compare;
  draw();
  if (compare) comparison.fit();
}

/** Try one of the page's own pictures. */
async function sample(name) {
  const blob = await (await fetch(`sample-${name}.webp`)).blob();
  await add([new File([blob], `${name}.webp`, { type: blob.type })]);
  $("go").focus({ preventScroll: true });
}

for (const name of ["astronaut", "coffee", "cat"]) {
  const button = document.createElement("button"), image = document.createElement("img");
  Object.assign(image, { src: `sample-${name}.webp`, alt: "" });
  button.className = "plain";
  button.append(image, name);
  button.addEventListener("click", () => sample(name));
  $("samples").append(button);
}
for (const id of ["h", "v"])
  $(id).addEventListener("input", () => $("tied").checked ? setFactors(+$(id).value, +$(id).value) : setFactors(+$("h").value, +$("v").value));
$("tied").addEventListener("change", () => { if ($("tied").checked) setFactors(+$("h").value, +$("h").value); });
for (const [id, other] of [["width", "height"], ["height", "width"]])
  $(id).addEventListener("change", () => {
    const value = Math.round(clamp(+$(id).value, 1, 1e6));
    const rest = $("tied").checked ? Math.max(1, Math.round(value * current[other] / current[id])) : +$(other).value;
    if (value >= 1) setRule(id === "width" ? bySize(value, rest) : bySize(rest, value));
    else draw();
  });
const numbers = text => text.split(/[x:]/).map(Number);
for (const button of document.querySelectorAll("#presets button"))
  button.addEventListener("click", () => {
    const { factor, fit, page, shape } = button.dataset;
    if (factor) setRule(byFactors(+factor, +factor));
    else if (fit) setRule(byBox(...numbers(fit)));
    else if (page) setRule(byPage(...numbers(page)));
    else {
      $("tied").checked = false;
      setRule(byShape(...numbers(shape), byFactors(+$("h").value, +$("h").value)));
    }
  });
$("file").addEventListener("change", () => { add([...$("file").files]); $("file").value = ""; });
$("more").addEventListener("click", () => $("file").click());
$("clear").addEventListener("click", clear);
$("cancel").addEventListener("click", () => running?.abort());
$("form").addEventListener("submit", event => { event.preventDefault(); if (!running) run(); });
let sampling;

/** The middle of the picture as the dial would make it, once the dial rests. */
async function sampled() {
  sampling?.abort();
  const { signal } = sampling = new AbortController(), picture = current;
  await new Promise(resolve => setTimeout(resolve, 250));
  if (signal.aborted || !picture || running) return;
  try {
    const address = await engine.sample(picture, goal(picture), +$("restore").value, signal);
    URL.revokeObjectURL($("sample").src);
    $("sample").src = address;
    $("sample").hidden = false;
  } catch (error) {
    if (!signal.aborted) complain(error.message);
  }
}

$("model").addEventListener("change", () => {
  draw();
  if (pictures.length) engine.prepare?.($("model").value);
});
$("restore").addEventListener("input", () => {
  $("wordsR").textContent = `${Math.round(100 * $("restore").value)} %`;
  sampled();
});
$("showSize").addEventListener("click", () => compareOrEdit(false));
$("showResult").addEventListener("click", () => compareOrEdit(true));
for (const id of ["kind", "quality"]) $(id).addEventListener("change", prepared);
$("quality").addEventListener("input", () => { $("wordsQ").textContent = $("quality").value; });
$("copy").addEventListener("click", async () => say(await copy(current.result)));
$("saveAll").addEventListener("click", () =>
  saveAll(pictures.filter(one => one.result).map(one => one.result), $("kind").value, +$("quality").value / 100));
// A file that is dropped beside would make the browser leave the page.
addEventListener("dragover", event => { event.preventDefault(); document.body.classList.add("over"); });
addEventListener("dragleave", event => { if (!event.relatedTarget) document.body.classList.remove("over"); });
addEventListener("drop", event => {
  event.preventDefault();
  document.body.classList.remove("over");
  add([...event.dataTransfer.files]);
});
addEventListener("paste", event => add([...event.clipboardData.files]));
addEventListener("resize", draw);
draw();
document.body.dataset.ready = kind;
