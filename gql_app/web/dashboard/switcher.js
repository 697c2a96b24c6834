// The menu of the practices of a group, in the header. Each is a link, so it may be opened in another tab too.

import { made } from './elements.js';
import { outside, write } from './text.js';

const KEPT = ['tasks', 'board', 'patients', 'audit']; // views that are gone on with in the other practice

/** The address of a practice's page. */
export const addressOf = ({ slug, isHome }, view) => `./${isHome ? '' : `?practice=${encodeURIComponent(slug)}`}#/${view}`;

export class Switcher {
  /** `shown()` is the view that is shown. */
  constructor({ shown }) {
    this.shown = shown;
    this.name = made('span');
    this.button = made(
      'button',
      { type: 'button', 'aria-expanded': 'false', 'aria-controls': 'practices', on: { click: () => this.toggle() } },
      made('span', { class: 'unseen', text: 'Practice: ' }),
      this.name,
      made('span', { 'aria-hidden': 'true', text: ' ▾' }),
    );
    this.list = made('ul', { id: 'practices', hidden: true, 'aria-label': 'Practices' });
    this.element = document.getElementById('switcher');
    this.element.replaceChildren(this.button, this.list);
    this.element.addEventListener('keydown', (event) => this.key(event));
    this.element.addEventListener('focusout', ({ relatedTarget }) => {
      if (relatedTarget && !this.element.contains(relatedTarget)) this.close();
    });
    document.addEventListener('pointerdown', ({ target }) => !this.element.contains(target) && this.close());
  }

  /** Offer the practices of a group; `visited` is the id of the one that the page shows, null at home; `name` is
   *  what it is called. */
  begin(practices, visited, name) {
    this.practices = practices;
    this.isCurrent = ({ id, isHome }) => (visited === null ? isHome : id === visited);
    this.call(name);
    this.element.hidden = false;
    document.getElementById('practice-name').hidden = true;
  }

  /** The practice of this page is called so. */
  call(name) {
    write(this.name, name);
  }

  /** The session is over: no name stays on the page. */
  clear() {
    this.close();
    this.practices = [];
    this.list.replaceChildren();
    this.call('');
    this.element.hidden = true;
    document.getElementById('practice-name').hidden = false;
  }

  get isOpen() {
    return !this.list.hidden;
  }

  toggle() {
    if (this.isOpen) return this.close();
    const view = KEPT.includes(this.shown()) ? this.shown() : 'tasks';
    this.list.replaceChildren(...this.practices.map((practice) => this.line(practice, view)));
    this.list.hidden = false;
    this.button.setAttribute('aria-expanded', 'true');
    this.links[0].focus();
  }

  line(practice, view) {
    const link = made('a', {
      href: addressOf(practice, view),
      text: outside(practice.name),
      'aria-current': this.isCurrent(practice) && 'true',
      on: { click: () => this.close() },
    });
    return made('li', {}, link, practice.isHome && made('small', { text: 'where you signed in' }));
  }

  close() {
    if (!this.isOpen) return;
    const hadFocus = this.list.contains(document.activeElement);
    this.list.hidden = true;
    this.button.setAttribute('aria-expanded', 'false');
    if (hadFocus) this.button.focus();
  }

  get links() {
    return [...this.list.querySelectorAll('a')];
  }

  key(event) {
    const { links } = this;
    const at = links.indexOf(document.activeElement);
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    if (!this.isOpen) return;
    if (event.key === 'Escape') this.close();
    else if (event.key in moves) links.at(moves[event.key] % links.length).focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
