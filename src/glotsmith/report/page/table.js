// A list of any length: only the rows in view are elements.

class VirtualList {
  constructor(label, height, renderRow, onChoose) {
    this.height = height;
    this.renderRow = renderRow;
    this.onChoose = onChoose;
    this.items = new Uint32Array(0);
    this.chosen = -1;
    this.spacer = el("div", { class: "spacer", role: "presentation" });
    this.element = el("div", { class: "list", role: "listbox", tabindex: "0", "aria-label": label }, this.spacer);
    this.element.addEventListener("scroll", () => this.render(), { passive: true });
    this.element.addEventListener("click", (event) => {
      const row = event.target.closest("[data-place]");
      if (row) this.choose(Number(row.dataset.place));
    });
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.render()).observe(this.element);
  }

  show(items) {
    this.items = items;
    this.spacer.style.height = `${items.length * this.height}px`;
    this.render();
  }

  render() {
    const top = this.element.scrollTop, visible = this.element.clientHeight;
    const from = Math.max(0, Math.floor(top / this.height) - 4);
    const to = Math.min(this.items.length, Math.ceil((top + visible) / this.height) + 4);
    const rows = [];
    for (let place = from; place < to; place++) rows.push(this.rowElement(place));
    this.spacer.replaceChildren(...rows);
    const active = this.chosen >= from && this.chosen < to;
    if (active) this.element.setAttribute("aria-activedescendant", `row-${this.chosen}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  rowElement(place) {
    const row = this.renderRow(this.items[place]);
    row.id = `row-${place}`;
    row.dataset.place = place;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(place === this.chosen));
    row.setAttribute("aria-posinset", String(place + 1));
    row.setAttribute("aria-setsize", String(this.items.length));
    row.style.transform = `translateY(${place * this.height}px)`;
    row.style.height = `${this.height}px`;
    return row;
  }

  choose(place, silent) {
    if (!this.items.length) return;
    this.chosen = Math.max(0, Math.min(place, this.items.length - 1));
    const top = this.chosen * this.height, bottom = top + this.height;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (bottom > this.element.scrollTop + this.element.clientHeight) {
      this.element.scrollTop = bottom - this.element.clientHeight;
    }
    this.render();
    if (!silent) this.onChoose(this.items[this.chosen]);
  }

  onKey(event) {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.height) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.items.length, End: this.items.length };
    if (!(event.key in moves)) return;
    event.preventDefault();
    this.choose((this.chosen < 0 ? -1 : this.chosen) + moves[event.key]);
  }
}
