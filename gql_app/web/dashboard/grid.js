// The list on the screen: only the rows that can be seen, and a few around them, are in the page, so
// that thousands scroll as easily as ten. Rows keep their elements while they are seen; what changes
// is written into them. Headings stand above the first row of each section, and are not selected.

import { fill } from './row.js';
import { write } from './text.js';

const MARGIN = 12; // rows above and below those that are seen
const AHEAD = 60; // rows before the end at which more are asked for

export class Grid {
  /** `list`: a TaskList; `store` says who calls; `onOpen(task)`: it was chosen. */
  constructor(element, list, store, { onOpen }) {
    Object.assign(this, { element, list, store, onOpen });
    this.space = element.querySelector('.space');
    this.template = document.getElementById('row');
    this.heads = []; // the headings, each with the index of the row below it
    this.height = 1; // of a row
    this.headHeight = 0;
    this.elements = new Map();
    this.rows = [];
    this.selected = null;
    element.addEventListener('scroll', () => this.scrolled(), { passive: true });
    element.addEventListener('focus', () => this.selected ?? this.selectAt(this.firstSeen()));
    new ResizeObserver(() => this.resized()).observe(element);
    this.space.addEventListener('click', (event) => {
      const id = event.target.closest('.row')?.dataset.key;
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
    this.heads = this.list.headings;
    this.element.dataset.order = this.list.order;
    if (this.selected && !this.rows.some((task) => task.id === this.selected)) {
      // It has left the list: the focus goes to the row that has taken its place.
      this.selected = this.rows[Math.min(before, this.rows.length - 1)]?.id ?? null;
    }
    if (!this.element.clientHeight) return; // the board is shown in its place
    this.measure();
    this.space.style.height = `${this.topOf(this.rows.length)}px`;
    const count = this.rows.length + this.heads.length + 1;
    this.element.setAttribute('aria-rowcount', this.list.hasMore ? -1 : count);
    if (toTop) this.element.scrollTop = 0;
    else if (anchor) this.settle(anchor);
    this.draw();
  }

  /** The session is over: no row stays, also where another view is shown in place of the list. */
  clear() {
    this.selected = null;
    this.show(true);
    for (const element of this.elements.values()) element.remove();
    this.elements.clear();
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
        return { id: task.id, offset: this.topOf(at) - this.element.scrollTop };
      }
    }
    return null;
  }

  settle({ id, offset }) {
    const at = this.rows.findIndex((task) => task.id === id);
    this.element.scrollTop = this.topOf(at) - offset;
  }

  measure() {
    this.height = this.heightOf('.row', () => this.make(this.template)) || this.height;
    this.headHeight = this.heightOf('.section', () => this.heading('')) || this.headHeight;
  }

  heightOf(kind, make) {
    const known = this.space.querySelector(kind);
    const element = known ?? this.space.appendChild(make());
    const height = element.offsetHeight;
    if (!known) element.remove();
    return height;
  }

  resized() {
    if (!this.element.clientHeight) return;
    const first = this.firstSeen();
    const before = this.height;
    this.measure();
    if (before !== this.height) {
      this.space.style.height = `${this.topOf(this.rows.length)}px`;
      this.element.scrollTop = this.topOf(first);
    }
    this.draw();
  }

  /** How many headings stand above a row. */
  headsUpTo(index) {
    return this.heads.filter((head) => head.index <= index).length;
  }

  /** Where a row begins, in pixels. */
  topOf(index) {
    return index * this.height + this.headsUpTo(index) * this.headHeight;
  }

  firstSeen() {
    const top = this.element.scrollTop;
    const above = this.heads.filter(({ index }) => this.topOf(index) - this.headHeight <= top);
    const index = Math.floor((top - above.length * this.headHeight) / this.height);
    return Math.max(index, above.at(-1)?.index ?? 0);
  }

  print(all) {
    this.printsAll = all;
    this.draw();
  }

  draw() {
    const seen = Math.ceil(this.element.clientHeight / this.height);
    const first = this.printsAll ? 0 : Math.max(0, this.firstSeen() - MARGIN);
    const last = this.printsAll ? this.rows.length : this.firstSeen() + seen + MARGIN;
    const wanted = this.rows.slice(first, last).flatMap((task, i) => this.items(task, first + i));
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, element] of this.elements) {
      if (keys.has(key)) continue;
      element.remove();
      this.elements.delete(key);
    }
    wanted.forEach((item, position) => this.place(item, position));
    const active = this.elements.get(this.selected);
    if (active) this.element.setAttribute('aria-activedescendant', active.id);
    else this.element.removeAttribute('aria-activedescendant');
    if (last > this.rows.length - AHEAD) this.list.more();
  }

  /** A row, and before it the heading that stands above it, if there is one. */
  items(task, index) {
    const top = this.topOf(index);
    const number = index + 2 + this.headsUpTo(index);
    const row = { key: task.id, top, number, task };
    const heading = this.heads.find((head) => head.index === index);
    if (!heading) return [row];
    return [{ key: heading.name, top: top - this.headHeight, number: number - 1 }, row];
  }

  place({ key, top, number, task }, position) {
    let element = this.elements.get(key);
    if (!element) {
      element = task ? this.make(this.template) : this.heading(key);
      element.dataset.key = key;
      if (task) element.id = `row-${task.number}`;
      this.elements.set(key, element);
    }
    // In order for those who listen; where it is seen is said by the transform.
    if (this.space.children[position] !== element) {
      this.space.insertBefore(element, this.space.children[position] ?? null);
    }
    element.style.transform = `translateY(${top}px)`;
    element.setAttribute('aria-rowindex', number);
    if (!task) return;
    element.setAttribute('aria-selected', task.id === this.selected);
    fill(element, task, this.store);
  }

  make(template) {
    return template.content.firstElementChild.cloneNode(true);
  }

  heading(name) {
    const element = this.make(document.getElementById('section'));
    write(element.firstElementChild, name);
    return element;
  }

  selectAt(index) {
    const task = this.rows[Math.max(0, Math.min(index, this.rows.length - 1))];
    if (!task) return;
    this.selected = task.id;
    this.reveal();
    this.draw();
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
    const index = this.rows.findIndex((task) => task.id === this.selected);
    const top = this.topOf(index);
    const room = this.element.clientHeight - this.space.offsetTop - this.height;
    const begin = this.heads.some((head) => head.index === index) ? top - this.headHeight : top;
    if (begin < this.element.scrollTop) this.element.scrollTop = begin;
    else if (top > this.element.scrollTop + room) this.element.scrollTop = top - room;
  }
}
