// The board, for a supervisor or a screen on the wall. Counts and changes come from the feed. Who is at
// work and today's outcomes do not: they are asked for again when they may have changed, at most once a
// second.

import { SignedOut, graphql } from './api.js';
import { drawOutcomes, head, row } from './chart.js';
import { ACTIVITY, AT_WORK } from './documents.js';
import { Pace } from './pace.js';
import { write, outside } from './text.js';
import { Ticker } from './ticker.js';
import { count, today } from './words.js';

const REFRESH = 60_000; // ms; claims end by themselves, and days do
/** What is counted of a queue, and what it is called. */
export const FIGURES = {
  open: 'Open',
  notContacted: 'Not contacted',
  inProgress: 'In progress',
  dueToday: 'Due today',
  overdue: 'Overdue',
  closedToday: 'Closed today',
  needsReview: 'Needs review',
};

export class BoardView {
  constructor(store, { onError }) {
    Object.assign(this, { store, onError });
    this.element = document.getElementById('board');
    this.ticker = new Ticker();
    this.pace = new Pace(() => this.fetch());
    document
      .getElementById('board-heads')
      .replaceChildren(...['Queue', ...Object.values(FIGURES)].map(head));
    drawOutcomes(null);
    store.listen((what, detail) => {
      if (what === 'event') this.note(detail);
      if (what === 'snapshot' || what === 'counts' || what === 'settings') this.soon();
    });
    setInterval(() => this.ask(), REFRESH);
  }

  get isSeen() {
    return !this.element.hidden;
  }

  begin(viewer) {
    this.viewer = viewer;
    const mayAsk = viewer.mayReadActivity;
    document.getElementById('outcomes').hidden = !mayAsk;
    document.getElementById('no-outcomes').hidden = mayAsk;
    this.ask();
  }

  clear() {
    this.ticker.clear();
    for (const id of ['board-counts', 'board-total', 'staff']) {
      document.getElementById(id).replaceChildren();
    }
    drawOutcomes(null);
  }

  /** The page is shown. */
  show() {
    this.draw();
    this.ask();
  }

  note(event) {
    if (!this.ticker.note(event)) return;
    this.soon();
    this.ask();
  }

  soon() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      if (this.isSeen) this.draw();
    });
  }

  draw() {
    const rows = this.store.queues
      .map((queue) => [outside(queue.name), this.store.countsOf(queue.id)])
      .filter(([, counts]) => counts)
      .map(([name, counts]) => figures(name, counts));
    document.getElementById('board-counts').replaceChildren(...rows);
    document
      .getElementById('board-total')
      .replaceChildren(...(rows.length > 1 ? [figures('All queues', this.store.countsOf(null))] : []));
    this.ticker.draw();
  }

  /** Ask for what the feed does not send, once for everything that happens within a second. */
  ask() {
    if (this.isSeen && this.viewer) this.pace.soon();
  }

  async fetch() {
    this.pace.done();
    const viewer = this.viewer;
    if (!viewer) return;
    try {
      const [work, outcomes] = await Promise.all([
        graphql(AT_WORK),
        viewer.mayReadActivity ? graphql(ACTIVITY, { day: today() }) : null,
      ]);
      if (viewer !== this.viewer) return;
      this.drawStaff(work.queues);
      drawOutcomes(outcomes?.activity ?? null);
    } catch (error) {
      if (error instanceof SignedOut) this.onError(error);
      // Otherwise the header says that the connection is lost; it is asked again with what comes next.
    }
  }

  drawStaff(queues) {
    const people = new Map();
    for (const { name, staffAtWork } of queues) {
      for (const { staff, tasks } of staffAtWork) {
        const person = people.get(staff.id) ?? { name: outside(staff.name), work: [] };
        person.work.push(`${outside(name)}${tasks > 1 ? ` (${tasks})` : ''}`);
        people.set(staff.id, person);
      }
    }
    const rows = [...people.values()].map(({ name, work }) => row(['th', name], ['td', work.join(', ')]));
    document.getElementById('staff').replaceChildren(...rows);
    document.getElementById('no-staff').hidden = rows.length > 0;
    write(document.getElementById('staff-count'), count(rows.length, 'person', 'people'));
  }
}

function figures(name, counts) {
  const made = row(['th', name]);
  for (const [figure, label] of Object.entries(FIGURES)) {
    const cell = document.createElement('td');
    write(cell, counts[figure].toLocaleString('en-US'));
    cell.dataset.label = label; // shown on a narrow screen, where the heads have no room
    cell.classList.toggle('late', figure === 'overdue' && counts.overdue > 0);
    made.append(cell);
  }
  return made;
}
