// Two pictures of one size under each other: a divider or a toggle between them, zoom and pan.

const NEAR = 28;  // pixels from the divider that still take hold of it
const MOST = 32;  // times
const $ = id => document.getElementById(id);

export class Comparison {
  constructor() {
    this.view = $("view");
    this.layers = [$("before"), $("after")];
    this.at = 0.5;
    this.mode = "divide";
    this.shown = true;
    this.pointers = new Map();
    this.listen();
  }

  /** Show two pictures by their addresses. */
  async show(before, after, width, height) {
    this.size = { width, height };
    [this.layers[0].src, this.layers[1].src] = [before, after];
    await Promise.all(this.layers.map(layer => layer.decode().catch(() => {})));  // another result may have come
    this.fit();
  }

  /** The scale at which the picture is as large as the view. */
  get whole() {
    return Math.min(this.view.clientWidth / this.size.width, this.view.clientHeight / this.size.height);
  }

  fit() {
    if (!this.size) return;
    this.scale = this.whole;
    this.centre();
  }

  oneToOne() {
    this.zoom(1 / (this.scale * devicePixelRatio));
  }

  centre() {
    this.x = (this.view.clientWidth - this.size.width * this.scale) / 2;
    this.y = (this.view.clientHeight - this.size.height * this.scale) / 2;
    this.draw();
  }

  /** Zoom by a factor about a point of the view, its middle by default. */
  zoom(by, x = this.view.clientWidth / 2, y = this.view.clientHeight / 2) {
    const least = Math.min(1, this.whole) / 4;
    const scale = Math.min(MOST, Math.max(least, this.scale * by));
    this.x = x - (x - this.x) * scale / this.scale;
    this.y = y - (y - this.y) * scale / this.scale;
    this.scale = scale;
    this.draw();
  }

  setMode(mode) {
    this.mode = mode;
    this.shown = true;
    this.draw();
  }

  /** The other picture in the same place. */
  flip() {
    this.shown = this.mode === "divide" ? false : !this.shown;
    this.mode = "toggle";
    this.draw();
  }

  draw() {
    if (!this.size) return;
    const divide = this.mode === "divide", [before, after] = this.layers;
    const cut = (this.at * this.view.clientWidth - this.x) / this.scale;
    const held = Math.min(this.size.width, Math.max(0, cut));
    for (const layer of this.layers) {
      layer.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
      layer.classList.toggle("sharp", this.scale * devicePixelRatio >= 2);
    }
    // Each side is cut off where the other begins: else it would show through what is transparent.
    after.style.clipPath = divide ? `inset(0 0 0 ${held}px)` : this.shown ? "" : "inset(0 0 0 100%)";
    before.style.clipPath = divide ? `inset(0 ${this.size.width - held}px 0 0)` : this.shown ? "inset(0 0 0 100%)" : "";
    $("divider").hidden = !divide;
    $("divider").style.left = this.at * 100 + "%";
    $("left").style.visibility = divide || !this.shown ? "visible" : "hidden";
    $("right").style.visibility = divide || this.shown ? "visible" : "hidden";
    $("divide").ariaPressed = String(divide);
    $("toggle").ariaPressed = String(!divide);
    // A picture that is seen as a whole leaves swipes to the page.
    this.view.style.touchAction = this.scale > 1.01 * this.whole ? "none" : "pan-y";
    $("zoom").textContent = `${Math.round(this.scale * devicePixelRatio * 100)} %`;
  }

  listen() {
    const view = this.view, place = event => {
      const box = view.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    view.addEventListener("pointerdown", event => {
      view.setPointerCapture(event.pointerId);
      const at = place(event);
      this.pointers.set(event.pointerId, at);
      this.dragging = this.mode === "divide" && this.pointers.size === 1 && Math.abs(at.x - this.at * view.clientWidth) < NEAR;
    });
    view.addEventListener("pointermove", event => {
      const before = this.pointers.get(event.pointerId);
      if (!before || !this.size) return;
      const at = place(event), other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
      this.pointers.set(event.pointerId, at);
      if (this.dragging && !other) this.divide(at.x / view.clientWidth);
      else if (other) {
        const span = p => Math.hypot(p.x - other.x, p.y - other.y);
        this.zoom(span(at) / Math.max(1, span(before)), (at.x + other.x) / 2, (at.y + other.y) / 2);
      } else if (this.scale > 1.01 * this.whole || event.pointerType === "mouse") {
        this.x += at.x - before.x;
        this.y += at.y - before.y;
        this.draw();
      }
    });
    for (const end of ["pointerup", "pointercancel"])
      view.addEventListener(end, event => this.pointers.delete(event.pointerId));
    view.addEventListener("wheel", event => {
      event.preventDefault();
      const at = place(event);
      this.zoom(Math.exp(-event.deltaY / 400), at.x, at.y);
    }, { passive: false });
    view.addEventListener("dblclick", () => this.scale * devicePixelRatio >= 1 ? this.fit() : this.oneToOne());
    view.addEventListener("keydown", event => {
      const does = {
        ArrowLeft: () => this.divide(this.at - 0.02), ArrowRight: () => this.divide(this.at + 0.02), " ": () => this.flip(),
        "+": () => this.zoom(1.25), "-": () => this.zoom(0.8), 0: () => this.fit(), 1: () => this.oneToOne(),
      }[event.key];
      if (!does) return;
      event.preventDefault();
      does();
    });
    $("divide").addEventListener("click", () => this.setMode("divide"));
    $("toggle").addEventListener("click", () => this.flip());
    $("fit").addEventListener("click", () => this.fit());
    $("one").addEventListener("click", () => this.oneToOne());
    $("in").addEventListener("click", () => this.zoom(1.25));
    $("out").addEventListener("click", () => this.zoom(0.8));
    new ResizeObserver(() => (this.size && this.scale <= 1.01 * this.whole ? this.fit() : this.draw())).observe(view);
  }

  divide(share) {
    this.at = Math.min(1, Math.max(0, share));
    this.draw();
  }
}
