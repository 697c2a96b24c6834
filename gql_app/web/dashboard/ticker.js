// The board's last changes: one line for each change, however many tasks it has touched.

import { outside, write } from './text.js';
import { clock, count, happening } from './words.js';

const LINES = 40;

export class Ticker {
  constructor() {
    this.element = document.getElementById('ticker');
    this.clear();
  }

  clear() {
    this.changes = []; // the latest first, each with its events in their order
    this.element.replaceChildren();
  }

  /** Take in an event. Whether it gets a line: a claim that is renewed does not. */
  note(event) {
    const { claim } = event.task;
    if (event.kind === 'CLAIMED' && claim?.id === event.before?.claim?.id) return false;
    const [latest] = this.changes;
    if (latest?.change === event.change) latest.events.push(event);
    else this.changes = [{ change: event.change, events: [event] }, ...this.changes].slice(0, LINES);
    return true;
  }

  draw() {
    const known = new Map([...this.element.children].map((item) => [item.dataset.change, item]));
    const items = this.changes.map(({ change, events }) => {
      const item = known.get(String(change));
      return item?.dataset.events === String(events.length) ? item : line(change, events);
    });
    if (items.length === known.size && items.every((item) => item === known.get(item.dataset.change))) return;
    this.element.replaceChildren(...items);
    document.getElementById('no-changes').hidden = items.length > 0;
  }
}

function line(change, events) {
  const item = document.getElementById('change').content.firstElementChild.cloneNode(true);
  for (const [name, text] of Object.entries(told(events))) {
    write(item.querySelector(`[data-part=${name}]`), text);
  }
  item.dataset.change = change;
  item.dataset.events = events.length;
  return item;
}

/** What a line says of one change: what was done, on how many tasks, for which patient, by whom. */
export function told(events) {
  const kinds = new Map();
  for (const event of events) {
    const kind = event.kind === 'CONTACT_LOGGED' ? happening(event) : event.kind; // a call's tasks may differ
    kinds.set(kind, [...(kinds.get(kind) ?? []), event]);
  }
  if (kinds.size > 1) kinds.delete('RELEASED'); // a contact ends the claim on the patient's other tasks
  const patients = new Set(events.map(({ task }) => task.patient.id)); // many are called the same
  const queues = new Set(events.map(({ task }) => task.queue?.name));
  const parts = [...kinds.values()].map(
    (same) => happening(same[0]) + (same.length > 1 ? ` (${count(same.length, 'task')})` : ''),
  );
  return {
    time: clock(events[0].at),
    what: parts.join('; '),
    patient: patients.size === 1 ? outside(events[0].task.patient.name) : count(patients.size, 'patient'),
    queue: queues.size === 1 ? outside(events[0].task.queue?.name) : '',
    actor: events[0].actor ? outside(events[0].actor.name) : 'the clock',
  };
}
