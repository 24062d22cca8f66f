// The page: pictures in, their new size, the run, and the view of what came out.
import { Comparison } from "./compare.js";
import { bar, remaining } from "./progress.js";
import { LARGEST, STEP, byBox, byFactors, byShape, bySize, label, objection } from "./sizes.js";

const $ = id => document.getElementById(id);
const MARGIN = 10;
const pictures = [];  // {name, file, bitmap, width, height, thumb, rule, result}
const comparison = new Comparison();
let current = null, rule = byFactors(2.5, 2.5), running = null, view = 1;

const kind = document.querySelector("meta[name=engine]").content;
const engine = await (await import(`./engine-${kind}.js`)).start();
$("engine").textContent = engine.words;
$("models").hidden = engine.models.length < 2;
for (const model of engine.models) $("model").add(new Option(model, model));

const goal = picture => rule(picture);
const say = text => { $("status").textContent = text; };
const complain = text => { $("error").textContent = text; };
const also = text => complain(`${$("error").textContent}\n${text}`.trim());

function draw() {
  $("list").hidden = pictures.length < 2;
  $("invite").hidden = Boolean(current);
  for (const id of ["small", "box", "grip", "more", "clear"]) $(id).hidden = !current;
  $("go").disabled = !current || Boolean(running);
  $("go").textContent = pictures.length > 1 ? `Enlarge ${pictures.length} pictures` : "Enlarge";
  $("cancel").hidden = !running;
  for (const [index, { firstChild: button }] of [...$("list").children].entries())
    button.ariaCurrent = String(pictures[index] === current);
  $("width").disabled = $("height").disabled = !current;
  if (!current) return;
  const { width, height, columns, rows } = goal(current);
  [$("width").value, $("height").value, $("h").value, $("v").value] = [width, height, columns.value, rows.value];
  $("wordsH").textContent = "×" + columns.value.toFixed(2);
  $("wordsV").textContent = "×" + rows.value.toFixed(2);
  const wrong = objection(current, goal(current), engine.most);
  $("words").textContent = wrong || `${current.width} × ${current.height} becomes ${width} × ${height} pixels`;
  $("go").disabled ||= Boolean(wrong) && pictures.length === 1;
  const room = { width: $("stage").clientWidth - 2 * MARGIN, height: $("stage").clientHeight - 2 * MARGIN };
  // The box may grow until it meets the edge; then all shrinks.
  view = Math.min(room.width / Math.max(width, 3 * current.width), room.height / Math.max(height, 3 * current.height));
  const style = (id, values) => Object.assign($(id).style, values);
  style("small", { width: current.width * view + "px", height: current.height * view + "px" });
  style("box", { width: width * view + "px", height: height * view + "px" });
  style("grip", { left: MARGIN + width * view + "px", top: MARGIN + height * view + "px" });
}

function setRule(next) {
  rule = next;
  draw();
}

function setFactors(h, v) {
  const held = x => Math.min(LARGEST, Math.max(1, Math.round(x * STEP) / STEP));
  setRule(byFactors(held(h), held($("tied").checked ? h : v)));
}

async function add(files) {
  complain("");
  for (const file of files) {
    try {
      const bitmap = await createImageBitmap(file, { imageOrientation: "from-image", premultiplyAlpha: "none" });
      const { width, height } = bitmap;
      if (width * height > engine.mostIn) {
        also(`${file.name}: ${width} × ${height} is more than the ${Math.round(engine.mostIn / 1e6)} Mpx that are taken here.`);
        continue;
      }
      const picture = { name: file.name || "pasted.png", file, bitmap, width, height };
      pictures.push(picture);
      listed(picture);
      select(picture);
    } catch {
      also(`${file.name} is no picture that this browser can show.`);
    }
  }
  draw();
}

function listed(picture) {
  const button = document.createElement("button"), image = document.createElement("img"), item = document.createElement("li");
  image.src = URL.createObjectURL(picture.file);
  image.alt = "";
  button.append(image, picture.name);
  button.title = picture.name;
  button.addEventListener("click", () => select(picture));
  item.append(button);
  $("list").append(item);
}

function select(picture) {
  current = picture;
  Object.assign($("small"), { width: picture.width, height: picture.height, ariaLabel: picture.name });
  $("small").getContext("2d").drawImage(picture.bitmap, 0, 0);
  draw();
  $("result").hidden = !picture.result;
  if (picture.result) show(picture);
}

async function show(picture) {
  const { before, after, width, height, facts, name } = picture.result;
  $("result").hidden = false;
  $("facts").textContent = facts;
  $("right").textContent = picture.result.model;
  Object.assign($("save"), { href: after, download: name });
  $("saveAll").hidden = pictures.filter(one => one.result).length < 2;
  await comparison.show(before, after, width, height);
  document.body.dataset.done = name;
}

async function run() {
  complain("");
  delete document.body.dataset.done;
  running = new AbortController();
  draw();
  const begin = performance.now(), count = pictures.length;
  for (const [index, picture] of [...pictures].entries()) {
    const to = goal(picture), wrong = objection(picture, to, engine.most);
    const began = performance.now();
    let enlarging = began;  // networks are loaded and programs compiled before
    if (running.signal.aborted) break;
    if (wrong) {
      also(`${picture.name}: ${wrong}`);
      continue;
    }
    const progress = (share, words = "") => {
      bar((index + share) / count);
      if (words && !share) enlarging = performance.now();
      const left = remaining(performance.now() - enlarging, share);
      say([count > 1 ? `${picture.name} (${index + 1} of ${count})` : "", words || left].filter(Boolean).join(": "));
    };
    progress(0, "starting");
    try {
      const made = await engine.upscale(picture, to, $("model").value || engine.models[0], progress, running.signal);
      forget(picture);
      const seconds = (performance.now() - began) / 1000;
      const facts = `${picture.name}: ${picture.width} × ${picture.height} became ${to.width} × ${to.height} in ${seconds.toFixed(1)} s`;
      picture.result = { ...made, ...to, facts, name: `${picture.name.replace(/\.[^.]*$/, "")}_${label(to)}.png` };
      select(picture);
    } catch (error) {
      if (!running.signal.aborted) also(`${picture.name}: ${error.message}`);
    }
  }
  say(running.signal.aborted ? "Cancelled." : count > 1 ? `Done in ${((performance.now() - begin) / 1000).toFixed(1)} s.` : "");
  bar(null);
  running = null;
  draw();
}

/** Give back the memory of a result. */
function forget({ result }) {
  if (result) for (const url of [result.before, result.after]) URL.revokeObjectURL(url);
}

function clear() {
  pictures.splice(0).forEach(forget);
  $("list").replaceChildren();
  current = null;
  $("result").hidden = true;
  $("words").textContent = "Choose a picture first.";
  draw();
}

for (const id of ["h", "v"])
  $(id).addEventListener("input", () => $("tied").checked ? setFactors(+$(id).value, +$(id).value) : setFactors(+$("h").value, +$("v").value));
$("tied").addEventListener("change", () => { if ($("tied").checked) setFactors(+$("h").value, +$("h").value); });
for (const [id, other, side] of [["width", "height", "width"], ["height", "width", "height"]])
  $(id).addEventListener("change", () => {
    const value = Math.round(+$(id).value), second = side === "width" ? "height" : "width";
    const rest = $("tied").checked ? Math.max(1, Math.round(value * current[second] / current[side])) : +$(other).value;
    if (value >= 1) setRule(side === "width" ? bySize(value, rest) : bySize(rest, value));
    else draw();
  });
for (const button of document.querySelectorAll("[data-factor]"))
  button.addEventListener("click", () => setRule(byFactors(+button.dataset.factor, +button.dataset.factor)));
for (const button of document.querySelectorAll("[data-fit]"))
  button.addEventListener("click", () => setRule(byBox(...button.dataset.fit.split("x").map(Number))));
for (const button of document.querySelectorAll("[data-shape]"))
  button.addEventListener("click", () => {
    $("tied").checked = false;
    setRule(byShape(...button.dataset.shape.split(":").map(Number), byFactors(+$("h").value, +$("h").value)));
  });
$("file").addEventListener("change", () => { add([...$("file").files]); $("file").value = ""; });
$("more").addEventListener("click", () => $("file").click());
$("clear").addEventListener("click", clear);
$("cancel").addEventListener("click", () => running?.abort());
$("form").addEventListener("submit", event => { event.preventDefault(); if (!running) run(); });
$("saveAll").addEventListener("click", () => {
  for (const { result } of pictures)
    if (result) Object.assign(document.createElement("a"), { href: result.after, download: result.name }).click();
});
$("stage").addEventListener("dragover", event => { event.preventDefault(); $("stage").classList.add("over"); });
$("stage").addEventListener("dragleave", () => $("stage").classList.remove("over"));
$("stage").addEventListener("drop", event => {
  event.preventDefault();
  $("stage").classList.remove("over");
  add([...event.dataTransfer.files]);
});
addEventListener("paste", event => add([...event.clipboardData.files]));
$("grip").addEventListener("pointerdown", event => {
  $("grip").setPointerCapture(event.pointerId);
  const scale = view;  // held while dragging, so that the picture does not swim under the pointer
  const move = e => {
    const box = $("stage").getBoundingClientRect();
    $("tied").checked = false;
    setFactors((e.clientX - box.left - MARGIN) / scale / current.width, (e.clientY - box.top - MARGIN) / scale / current.height);
  };
  $("grip").addEventListener("pointermove", move);
  $("grip").addEventListener("pointerup", () => $("grip").removeEventListener("pointermove", move), { once: true });
});
$("grip").addEventListener("keydown", event => {
  const by = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
  if (!by) return;
  event.preventDefault();
  $("tied").checked = false;
  setFactors(+$("h").value + by[0] / STEP, +$("v").value + by[1] / STEP);
});
addEventListener("resize", draw);
draw();
document.body.dataset.ready = kind;
