// What an admin of a new practice does first: queues, people, and a first list. It is shown until all of it is
// done, or until it is put away in this browser.

import { SignedOut, graphql } from './api.js';
import { START } from './documents.js';
import { button, made } from './elements.js';
import { write } from './text.js';
import { count } from './words.js';

const SHOWN_ON = ['tasks', 'board', 'settings'];
const keyOf = ({ staff }) => `callboard.started.${staff.id}`;

export class GettingStarted {
  /** `onError(error)`; `onPutAway()` is called when its button has gone. */
  constructor(store, { onError, onPutAway }) {
    Object.assign(this, { store, onError, onPutAway, viewer: null });
    document.head.append(made('link', { rel: 'stylesheet', href: 'dashboard/getting-started.css' }));
    this.steps = {
      queues: step('#/settings/queues', 'Add a queue'),
      people: step('#/settings/people', 'Invite somebody'),
      tasks: step('#/settings/import', 'Import a list'),
    };
    const items = Object.values(this.steps).map(({ item }) => item);
    this.element = document.getElementById('start');
    this.element.replaceChildren(
      made('h2', { id: 'start-title', text: 'Getting started' }),
      made('ol', {}, ...items),
      button('Put away', () => this.putAway()),
    );
    store.listen((what) => {
      if (!this.viewer) return;
      if (what === 'people') this.look(this.view);
      else if (['snapshot', 'settings', 'counts'].includes(what)) this.draw();
    });
  }

  begin(viewer, view) {
    this.viewer = localStorage.getItem(keyOf(viewer)) ? null : viewer;
    this.others = this.tasks = false;
    this.look(view);
  }

  /** Another view is shown: what was done meanwhile may not be known yet. */
  async look(view) {
    const { viewer } = this;
    this.view = view;
    if (!viewer || !SHOWN_ON.includes(view)) return (this.element.hidden = true);
    try {
      const { staff, tasks } = await graphql(START, {}, { isKept: false });
      if (viewer !== this.viewer) return;
      this.others = staff.nodes.some(({ id }) => id !== viewer.staff.id);
      this.tasks = tasks.nodes.length > 0;
      this.isKnown = true;
      this.draw();
    } catch (error) {
      if (error instanceof SignedOut) this.onError(error);
      // Otherwise it is asked again with the next view.
    }
  }

  draw() {
    const { queues } = this.store;
    if (!this.isKnown || !queues.length) return;
    const { open, closedToday } = this.store.countsOf(null);
    const done = { queues: queues.length > 1, people: this.others, tasks: this.tasks || open + closedToday > 0 };
    const told = {
      queues: `One for each reason to call. There ${queues.length > 1 ? 'are' : 'is'} ${count(queues.length, 'queue')} now.`,
      people: 'Everybody who calls patients, and a second admin.',
      tasks: 'Patients to call, from your practice software or a spreadsheet.',
    };
    for (const [name, { item, mark, note }] of Object.entries(this.steps)) {
      item.classList.toggle('done', done[name]);
      write(mark, done[name] ? 'Done: ' : '');
      write(note, told[name]);
    }
    if (Object.values(done).every(Boolean)) return this.end();
    this.element.hidden = !SHOWN_ON.includes(this.view);
  }

  putAway() {
    this.end();
    this.onPutAway();
  }

  /** It is not shown again. */
  end() {
    localStorage.setItem(keyOf(this.viewer), 'yes');
    this.clear();
  }

  clear() {
    Object.assign(this, { viewer: null, isKnown: false });
    this.element.hidden = true;
    for (const { note } of Object.values(this.steps)) write(note, '');
  }
}

function step(href, text) {
  const mark = made('span', { class: 'unseen' });
  const note = made('small');
  return { mark, note, item: made('li', {}, mark, made('a', { href, text }), note) };
}
