// The list on the screen: only the rows that can be seen, and a few around them, are in the page, so
// that thousands scroll as easily as ten. Rows keep their elements while they are seen; what changes
// is written into them.

import { fill } from './row.js';

const MARGIN = 12; // rows above and below those that are seen
const AHEAD = 60; // rows before the end at which more are asked for

export class Grid {
  /** `list`: a TaskList; `store` says who calls; `onOpen(task)`: it was chosen. */
  constructor(element, list, store, { onOpen, onSelect }) {
    Object.assign(this, { element, list, store, onOpen, onSelect });
    this.space = element.querySelector('.space');
    this.template = document.getElementById('row');
    this.elements = new Map();
    this.rows = [];
    this.selected = null;
    element.addEventListener('scroll', () => this.scrolled(), { passive: true });
    element.addEventListener('focus', () => this.selected ?? this.selectAt(this.firstSeen()));
    new ResizeObserver(() => this.resized()).observe(element);
    this.space.addEventListener('click', (event) => {
      const id = event.target.closest('.row')?.dataset.id;
      const at = this.rows.findIndex((task) => task.id === id);
      if (at < 0) return;
      this.selectAt(at);
      onOpen(this.rows[at]);
    });
    addEventListener('beforeprint', () => this.print(true));
    addEventListener('afterprint', () => this.print(false));
  }

  get selectedTask() {
    return this.rows.find((task) => task.id === this.selected);
  }

  /** Draw the list's rows as they are now. What is being read stays where it is. */
  show(toTop = false) {
    const anchor = toTop ? null : this.anchor();
    const before = this.rows.findIndex((task) => task.id === this.selected);
    this.rows = this.list.rows;
    if (this.selected && !this.rows.some((task) => task.id === this.selected)) {
      // It has left the list: whoever stood there stands on what has taken its place.
      this.selected = this.rows[Math.min(before, this.rows.length - 1)]?.id ?? null;
    }
    if (!this.element.clientHeight) return; // the board is shown in its place
    this.measure();
    this.space.style.height = `${this.rows.length * this.height}px`;
    this.element.setAttribute('aria-rowcount', this.list.hasMore ? -1 : this.rows.length + 1);
    if (toTop) this.element.scrollTop = 0;
    else if (anchor) this.settle(anchor);
    this.draw();
  }

  scrolled() {
    if (this.element.clientHeight) this.top = this.element.scrollTop;
    this.draw();
  }

  /** Shown again: where it was left. */
  restore() {
    this.show();
    this.element.scrollTop = this.top ?? 0;
  }

  /** The first row seen that has not changed, and where it stands. At the top, none: what is most
   *  urgent may come in there. */
  anchor() {
    if (this.element.scrollTop < 1 || !this.rows.length) return null;
    const now = new Map(this.list.rows.map((task) => [task.id, task.version]));
    for (let at = this.firstSeen(); at < this.rows.length; at += 1) {
      const task = this.rows[at];
      if (now.get(task.id) === task.version) {
        return { id: task.id, offset: at * this.height - this.element.scrollTop };
      }
    }
    return null;
  }

  settle({ id, offset }) {
    const at = this.rows.findIndex((task) => task.id === id);
    this.element.scrollTop = at * this.height - offset;
  }

  measure() {
    const row = this.space.firstElementChild ?? this.space.appendChild(this.make());
    this.height = row.offsetHeight || this.height || 1;
    if (!row.dataset.id) row.remove();
  }

  resized() {
    if (!this.element.clientHeight) return;
    const first = this.firstSeen();
    const before = this.height;
    this.measure();
    if (before && before !== this.height) {
      this.space.style.height = `${this.rows.length * this.height}px`;
      this.element.scrollTop = first * this.height;
    }
    this.draw();
  }

  firstSeen() {
    return Math.floor(this.element.scrollTop / (this.height || 1));
  }

  print(all) {
    this.printsAll = all;
    this.draw();
  }

  draw() {
    const seen = Math.ceil(this.element.clientHeight / this.height);
    const first = this.printsAll ? 0 : Math.max(0, this.firstSeen() - MARGIN);
    const last = this.printsAll ? this.rows.length : this.firstSeen() + seen + MARGIN;
    const wanted = this.rows.slice(first, last);
    const ids = new Set(wanted.map((task) => task.id));
    for (const [id, element] of this.elements) {
      if (ids.has(id)) continue;
      element.remove();
      this.elements.delete(id);
    }
    wanted.forEach((task, i) => this.place(task, first + i, i));
    const active = this.elements.get(this.selected);
    if (active) this.element.setAttribute('aria-activedescendant', active.id);
    else this.element.removeAttribute('aria-activedescendant');
    if (last > this.rows.length - AHEAD) this.list.more();
  }

  place(task, index, position) {
    let element = this.elements.get(task.id);
    if (!element) {
      element = this.make();
      element.id = `row-${task.number}`;
      element.dataset.id = task.id;
      this.elements.set(task.id, element);
    }
    // In order for those who listen; where it is seen is said by the transform.
    if (this.space.children[position] !== element) {
      this.space.insertBefore(element, this.space.children[position] ?? null);
    }
    element.style.transform = `translateY(${index * this.height}px)`;
    element.setAttribute('aria-rowindex', index + 2);
    element.setAttribute('aria-selected', task.id === this.selected);
    fill(element, task, this.store);
  }

  make() {
    return this.template.content.firstElementChild.cloneNode(true);
  }

  selectAt(index) {
    const task = this.rows[Math.max(0, Math.min(index, this.rows.length - 1))];
    if (!task) return;
    this.selected = task.id;
    this.reveal();
    this.draw();
    this.onSelect(task);
  }

  /** Select the row so many below (or above) the selected one. */
  move(by) {
    const at = this.rows.findIndex((task) => task.id === this.selected);
    this.selectAt(at < 0 ? this.firstSeen() : at + by);
  }

  page() {
    return Math.max(1, Math.floor(this.element.clientHeight / this.height) - 2);
  }

  reveal() {
    const top = this.rows.findIndex((task) => task.id === this.selected) * this.height;
    const head = this.space.offsetTop;
    const room = this.element.clientHeight - head - this.height;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top > this.element.scrollTop + room) this.element.scrollTop = top - room;
  }
}
