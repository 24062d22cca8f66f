// The picture stretched to its new size, with handles on its edges and corner.
import { STEP } from "./sizes.js";

const $ = id => document.getElementById(id);
const MARGIN = 28;  // pixels of the stage around the largest size
const HANDLES = { edgeH: [1, 0], edgeV: [0, 1], grip: [1, 1] };  // which axes each moves

export class Editor {
  /** `change(h, v, free)` gets the factors that a handle asks for. */
  constructor(change) {
    this.change = change;
    for (const [id, axes] of Object.entries(HANDLES)) this.listen($(id), axes);
  }

  /** Show a picture stretched to a goal, as large as the stage allows. */
  show(picture, goal) {
    this.picture = picture;
    this.goal = goal;
    if (this.drawn !== picture) {
      this.drawn = picture;
      Object.assign($("small"), { width: picture.width, height: picture.height, ariaLabel: picture.name });
      $("small").getContext("2d").drawImage(picture.bitmap, 0, 0);
    }
    const room = { width: $("edit").clientWidth - 2 * MARGIN, height: $("edit").clientHeight - 2 * MARGIN };
    if (!this.dragging) {  // else the picture would swim under the pointer
      this.scale = Math.min(room.width / goal.width, room.height / goal.height);
      this.left = MARGIN + (room.width - goal.width * this.scale) / 2;
      this.top = MARGIN + (room.height - goal.height * this.scale) / 2;
    }
    const { left, top } = this, [width, height] = [goal.width * this.scale, goal.height * this.scale];
    const style = (id, x, y, more = {}) => Object.assign($(id).style, { left: x + "px", top: y + "px", ...more });
    style("small", left, top, { width: width + "px", height: height + "px" });
    style("edgeH", left + width, top + height / 2);
    style("edgeV", left + width / 2, top + height);
    style("grip", left + width, top + height);
    style("size", left + width / 2, top);
    $("size").textContent = `${goal.width} × ${goal.height}`;
  }

  listen(handle, [h, v]) {
    handle.addEventListener("pointerdown", event => {
      event.preventDefault();
      handle.focus();
      handle.setPointerCapture(event.pointerId);
      const box = $("edit").getBoundingClientRect();
      this.dragging = true;
      const move = e => {
        const asked = [(e.clientX - box.left - this.left) / this.scale / this.picture.width,
          (e.clientY - box.top - this.top) / this.scale / this.picture.height];
        this.ask(h ? asked[0] : null, v ? asked[1] : null, e.shiftKey);
      };
      const end = () => {
        this.dragging = false;
        handle.removeEventListener("pointermove", move);
        this.show(this.picture, this.goal);
      };
      handle.addEventListener("pointermove", move);
      for (const kind of ["pointerup", "pointercancel"]) handle.addEventListener(kind, end, { once: true });
    });
    handle.addEventListener("keydown", event => {
      const by = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
      if (!by || (by[0] && !h) || (by[1] && !v)) return;
      event.preventDefault();
      const { columns, rows } = this.goal;
      this.ask(by[0] ? columns.value + by[0] / STEP : null, by[1] ? rows.value + by[1] / STEP : null, event.shiftKey);
    });
  }

  /** Ask for factors, null where an axis is not asked about; with the shape kept, one axis leads. */
  ask(h, v, shift) {
    const { columns, rows } = this.goal, free = shift || !$("tied").checked;
    if (free) this.change(h ?? columns.value, v ?? rows.value, true);
    else {
      const one = h === null ? v : v === null ? h : Math.max(h, v);
      this.change(one, one, true);
    }
  }
}
