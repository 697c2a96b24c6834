// The list of tasks that is looked at: what the server was asked for, kept up by the feed.
//
// Pages are loaded by cursor as far as somebody has scrolled. Up to the last row that was loaded
// (`bound`) the store knows every task, because what changes later comes through the feed; so the rows
// are simply those of the store that match, in the server's order.

import { graphql } from './api.js';
import { TASKS } from './documents.js';
import { ORDERS, WORKABLE, headings } from './order.js';
import { arranged } from './store.js';
import { today } from './words.js';

const FIRST = 60;
const MORE = 200;
const MOST = 500; // rows that the server gives at once
const PAUSE = 2_000; // ms after a failure; every drawing of the list's end asks for more

export class TaskList {
  /** `onChange()`: the rows, or whether they are being loaded, may be others now. */
  constructor(store, onChange, onError) {
    Object.assign(this, { store, onChange, onError });
    this.filter = { queueId: null, status: WORKABLE, overdue: false, patient: '' };
    this.reset();
  }

  reset() {
    this.rows = [];
    this.headings = [];
    this.day = today(); // by which it is sorted, here as by the server
    this.found = new Set(); // what a search has found, by the server's own rules
    this.bound = null;
    this.cursor = null;
    this.hasMore = false;
    this.isLoading = false;
    this.pausedUntil = 0;
    this.loaded = 0;
    this.question = (this.question ?? 0) + 1;
  }

  get order() {
    return this.filter.status.includes('CLOSED') ? 'CLOSED' : 'WORK';
  }

  /** Look at other tasks. */
  async show(filter) {
    this.reset();
    this.filter = filter;
    await this.load(FIRST);
  }

  /** Read anew what was loaded, after a snapshot. Meanwhile the old rows stay. */
  async reload() {
    const wanted = Math.max(this.loaded, FIRST);
    const { rows, headings } = this;
    this.reset();
    Object.assign(this, { rows, headings });
    do {
      if (!(await this.load(Math.min(wanted - this.loaded, MOST)))) return;
    } while (this.hasMore && this.loaded < wanted); // the server says whether there is more
  }

  more() {
    if (!this.hasMore || this.isLoading || performance.now() < this.pausedUntil) return;
    this.load(MORE);
  }

  async load(first) {
    const question = this.question;
    this.isLoading = true;
    this.hasFailed = false;
    this.onChange();
    try {
      const { tasks } = await graphql(TASKS, {
        filter: this.asked(),
        orderBy: this.order,
        first,
        after: this.cursor,
      });
      if (question !== this.question) return false;
      this.keep(tasks);
      return true;
    } catch (error) {
      if (question === this.question) {
        this.isLoading = false;
        this.hasFailed = true;
        this.pausedUntil = performance.now() + PAUSE;
        this.onError(error);
      }
      return false;
    }
  }

  asked() {
    const { queueId, status, overdue, patient } = this.filter;
    const filter = { status };
    if (queueId) filter.queueIds = [queueId];
    if (overdue) filter.overdue = true;
    if (patient.trim().length > 1) filter.patient = patient.trim();
    return filter;
  }

  keep({ nodes, pageInfo }) {
    this.isLoading = false;
    for (const task of nodes) {
      this.found.add(task.id);
      this.store.put(task);
    }
    this.loaded += nodes.length;
    this.hasMore = pageInfo.hasNextPage;
    this.cursor = pageInfo.endCursor;
    // As the page said it was: what has changed meanwhile may stand elsewhere by now.
    if (nodes.length) this.bound = arranged(nodes.at(-1));
    this.refresh();
  }

  /** Make the rows anew from the store. */
  refresh() {
    if (this.loaded === 0 && this.isLoading) return; // the old rows stay until the new ones are here
    const compare = ORDERS[this.order](this.day);
    const matches = matcher(this.filter, this.found, this.day);
    const isLoaded = (task) => !this.hasMore || compare(task, this.bound) <= 0;
    this.rows = [...this.store.tasks.values()].filter((t) => matches(t) && isLoaded(t)).sort(compare);
    this.headings = this.order === 'WORK' ? headings(this.rows, this.day) : [];
    this.onChange();
  }
}

/** Whether a task of the store belongs to the list, by the same rules as the server's. */
function matcher({ queueId, status, overdue, patient }, found, day) {
  const words = patient.trim().length > 1 ? fold(patient).split(/\s+/) : [];
  return (task) =>
    task.queue !== null &&
    status.includes(task.status) &&
    (!queueId || task.queue.id === queueId) &&
    (!overdue || (task.followUp !== null && task.followUp < day)) &&
    (!words.length || found.has(task.id) || isNamed(task.patient, words));
}

function isNamed({ name, phone }, words) {
  const names = fold(name).split(/[^\p{L}\p{N}]+/u);
  const digits = phone.replace(/\D/g, '');
  return words.every((word) => {
    const number = word.replace(/\D/g, '');
    return (
      names.some((part) => part.startsWith(word)) ||
      (number && (digits.startsWith(number) || digits.endsWith(number)))
    );
  });
}

const fold = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trim();
