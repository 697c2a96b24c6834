// The group's page: how all of its practices stand, and what was done today, side by side. It follows each of
// them while it is shown. It has figures only; whoever and whatever is behind them is on the practice's own page.

import { graphql } from './api.js';
import { FIGURES } from './board.js';
import { made } from './elements.js';
import { GROUP } from './group-documents.js';
import { Line, PracticeLines } from './group-line.js';
import { PracticeFeed } from './practice-feed.js';
import { sumOf } from './store.js';
import { outside, write } from './text.js';
import { count } from './words.js';
import { OUTCOME_COUNTS } from './workflow.js';

const REFRESH = 60_000; // ms; days begin by themselves
const CONTACTS = { ...OUTCOME_COUNTS, total: 'All' };

export class GroupView {
  /** `onError(error)`. */
  constructor({ onError }) {
    Object.assign(this, { onError, feeds: [], lines: [] });
    this.element = document.getElementById('group');
    document.head.append(made('link', { rel: 'stylesheet', href: 'dashboard/group.css' }));
  }

  get isShown() {
    return this.shown !== undefined;
  }

  /** Show the page; `home` is what requests carry where the viewer has signed in. */
  async show(home) {
    this.hide();
    const shown = (this.shown = setInterval(() => this.feeds.forEach(({ pace }) => pace.soon()), REFRESH));
    try {
      const { viewer } = await graphql(GROUP, {}, { as: home });
      if (this.shown !== shown) return; // it was left meanwhile
      this.begin(viewer.group ?? { name: 'Your group', practices: [] }, home);
    } catch (error) {
      if (this.shown === shown) this.onError(error);
    }
  }

  begin({ name, practices }, home) {
    const { onError } = this;
    const onChange = () => this.soon();
    this.feeds = practices.map((practice) => new PracticeFeed(practice, { home, onChange, onError }));
    this.lines = this.feeds.map((feed) => new PracticeLines(feed, FIGURES, CONTACTS));
    const all = () => made('span', { text: 'All practices' });
    this.counts = new Line([all()], FIGURES);
    this.contacts = new Line([all()], CONTACTS);
    this.note = made('p', { class: 'muted', role: 'status' });
    this.element.replaceChildren(
      made('h1', { text: outside(name) }),
      this.note,
      table('Practices now', 'Counts by practice', '', FIGURES, this.counts, this.lines.map(({ counts }) => counts)),
      table('Contacts today', 'Contacts by practice', 'contacts', CONTACTS, this.contacts, this.lines.map(({ contacts }) => contacts)),
    );
    for (const feed of this.feeds) feed.begin();
    this.draw();
  }

  /** The page is left: the feeds end, and no figure stays. */
  hide() {
    clearInterval(this.shown);
    this.shown = undefined;
    for (const feed of this.feeds) feed.end();
    this.feeds = this.lines = [];
    this.element.replaceChildren();
  }

  /** Draw before the next frame, once, however much has changed. */
  soon() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      if (this.isShown) this.draw();
    });
  }

  draw() {
    const sums = this.feeds.map((feed) => feed.sums).filter(Boolean);
    const contacts = this.feeds.map((feed) => feed.contacts).filter(Boolean);
    const most = Math.max(0, ...contacts.map(({ total }) => total));
    for (const line of this.lines) line.draw(most);
    this.counts.draw(sums.length ? sumOf(sums) : null);
    this.contacts.draw(contacts.length ? sumOf(contacts, Object.keys(CONTACTS)) : null);
    this.tell();
  }

  /** Say which practices are not live, for the sums may be behind, or less than all. */
  tell() {
    const states = this.lines.map((line) => line.told.name);
    const having = (...names) => states.filter((state) => names.includes(state)).length;
    const parts = [
      [having('lost', 'failed'), 'not connected, with figures from before'],
      [having('refused'), 'closed to you, without figures'],
    ];
    const told = parts.filter(([n]) => n).map(([n, words]) => `${n} ${words}`);
    const all = count(states.length, 'practice');
    write(this.note, having('connecting') && !told.length ? `${all}.` : `${all}${told.length ? `: ${told.join(', ')}` : ', all live'}.`);
  }
}

function table(title, told, kind, labels, sum, lines) {
  const id = `group-${title.split(' ')[0].toLowerCase()}`;
  const heads = ['Practice', ...Object.values(labels)].map((text) => made('th', { scope: 'col', text }));
  return made(
    'section',
    { class: `counts ${kind}`, 'aria-labelledby': id },
    made('h2', { id, text: title }),
    made(
      'div',
      { class: 'scroller', tabindex: 0, role: 'region', 'aria-label': told },
      made(
        'table',
        {},
        made('thead', {}, made('tr', {}, ...heads)),
        made('tbody', { class: 'sum' }, sum.element),
        made('tbody', {}, ...lines.map(({ element }) => element)),
      ),
    ),
  );
}
