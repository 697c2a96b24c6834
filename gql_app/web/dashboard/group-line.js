// A practice's lines in the two tables of the group's board. They stay while their figures change, so the focus
// does.

import { COLORS, svg } from './chart.js';
import { now } from './clock.js';
import { WORDS } from './connection.js';
import { made } from './elements.js';
import { addressOf } from './switcher.js';
import { outside, write } from './text.js';
import { clock } from './words.js';
import { OUTCOME_COUNTS } from './workflow.js';

const OUTCOMES = Object.keys(OUTCOME_COUNTS);
const REFUSED = 'You may no longer look into this practice.';
const WIDTH = 100;

const number = (n) => (n === undefined || n === null ? '–' : n.toLocaleString('en-US'));

/** A line of figures under these names, each with its label. */
export class Line {
  constructor(head, labels) {
    this.cells = Object.fromEntries(Object.keys(labels).map((name) => [name, made('td', { 'data-label': labels[name] })]));
    this.element = made('tr', {}, made('th', { scope: 'row' }, ...head), ...Object.values(this.cells));
  }

  /** Show the figures; with null dashes, for nothing is known. */
  draw(figures) {
    for (const [name, cell] of Object.entries(this.cells)) write(cell, number(figures?.[name]));
    this.cells.overdue?.classList.toggle('late', figures?.overdue > 0);
  }
}

/** Today's contacts as a bar, for those who see it; the line has the same in figures. */
export class Bar {
  constructor() {
    this.element = svg('svg', { class: 'bar', viewBox: `0 0 ${WIDTH} 6`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  }

  /** `most` is what the longest of the bars stands for. */
  draw(contacts, most) {
    let x = 0;
    const parts = OUTCOMES.map((name, i) => {
      const width = contacts && most ? (WIDTH * contacts[name]) / most : 0;
      x += width;
      return svg('rect', { x: x - width, y: 0, width, height: 6, class: `bar-${(i % COLORS) + 1}` });
    });
    this.element.replaceChildren(...parts);
  }
}

export class PracticeLines {
  constructor(feed, figures, outcomes) {
    this.feed = feed;
    this.link = made('a', { href: addressOf(feed.practice, 'board'), text: outside(feed.practice.name) });
    this.state = made('small');
    this.bar = new Bar();
    this.counts = new Line([this.link, this.state], figures);
    this.contacts = new Line([made('span', { text: outside(feed.practice.name) }), this.bar.element], outcomes);
  }

  /** What is said of the connection: { name, words }. */
  get told() {
    const { state, lostAt } = this.feed;
    const name = lostAt !== null && state.name === 'connecting' ? 'lost' : state.name;
    if (name === 'refused') return { name, words: REFUSED };
    const since = name === 'lost' && this.feed.counts ? `, as of ${clock(now(lostAt))}` : '';
    return { name, words: WORDS[name] + since };
  }

  draw(most) {
    const { name, words } = this.told;
    const { feed } = this;
    for (const { element } of [this.counts, this.contacts]) element.dataset.state = name;
    write(this.state, words);
    // A link that leads nowhere is none.
    if (name === 'refused') this.link.removeAttribute('href');
    this.counts.draw(feed.sums);
    this.contacts.draw(feed.contacts);
    this.bar.draw(feed.contacts, most);
  }
}
