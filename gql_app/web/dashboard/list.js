// The list of tasks on the page: what the server was asked for, kept up to date by the feed.
//
// Pages are loaded by cursor, as far as the user has scrolled. Up to the last row that was loaded
// (`bound`) the store knows every task, because later changes come through the feed. So the rows are the
// tasks of the store that match, in the server's order. Only the server knows which patients a search
// matches. A page that it sends says so for the patients in it, and the store's other patients of that
// part do not match. When a change brings in a patient of whom nothing is known, the page asks again.

import { graphql } from './api.js';
import { TASKS } from './documents.js';
import { ORDERS, headings } from './order.js';
import { Pace } from './pace.js';
import { today } from './words.js';
import { OPEN_STATUSES } from './workflow.js';

const FIRST = 60;
const MORE = 200;
const MOST = 500; // rows that the server gives at once
const PAUSE = 2_000; // ms after a failure; every drawing of the list's end asks for more

export class TaskList {
  /** `onChange()`: the rows, or whether they are being loaded, may be others now. */
  constructor(store, onChange, onError) {
    Object.assign(this, { store, onChange, onError });
    this.pace = new Pace(() => {
      this.isQuiet = true;
      this.reload();
    });
    this.filter = { queueId: null, status: OPEN_STATUSES, overdue: false, patient: '' };
    this.reset();
  }

  reset() {
    this.rows = [];
    this.headings = [];
    this.day = today(); // by which it is sorted, here as by the server
    this.meant = new Map(); // whether the search means somebody
    this.unsaid = []; // tasks of whose patients that was not known when the first page was asked for
    this.pace.cancel();
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

  /** What is searched for. Empty if nothing is, or if the server has said that it is too little. */
  get search() {
    const typed = this.filter.patient.trim();
    return typed === this.refused ? '' : typed;
  }

  /** Whether something was typed for which nothing can be found. */
  get isUnsearched() {
    return this.filter.patient.trim() !== '' && this.search === '';
  }

  /** Look at other tasks. */
  async show(filter) {
    this.reset();
    this.filter = filter;
    this.isQuiet = false;
    await this.load(FIRST);
  }

  /** Read anew what was loaded, after a snapshot. Meanwhile the old rows stay. */
  async reload() {
    const wanted = Math.max(this.loaded, FIRST);
    const { rows, headings, meant } = this;
    this.reset();
    Object.assign(this, { rows, headings, meant });
    do {
      if (!(await this.load(Math.min(wanted - this.loaded, MOST)))) return;
    } while (this.hasMore && this.loaded < wanted); // the server says whether there is more
  }

  /** A task has changed. If it is not known whether the search means its patient, the list is asked
   *  for again. */
  noticed({ id }) {
    const task = this.store.tasks.get(id);
    if (!this.search) return;
    if (!this.isAsked(task) || !this.isLoaded(task)) {
      // It may have left the list before the page was read in which it was missed.
      if (this.meant.get(called(task)) === false) this.meant.delete(called(task));
      return;
    }
    if (!this.meant.has(called(task))) this.pace.soon();
  }

  /** Whether the task is one of those that are looked at, apart from the search. */
  isAsked(task) {
    const { queueId, status, overdue, review } = this.filter;
    return (
      task.queue !== null &&
      status.includes(task.status) &&
      (!queueId || task.queue.id === queueId) &&
      (!review || task.reviewSince !== null) &&
      (!overdue || (task.followUp !== null && task.followUp < this.day))
    );
  }

  /** Whether the task's place is among the pages that were loaded. */
  isLoaded(task) {
    return !this.hasMore || ORDERS[this.order](this.day)(task, this.bound) <= 0;
  }

  more() {
    if (!this.hasMore || this.isLoading || performance.now() < this.pausedUntil) return;
    this.load(MORE);
  }

  async load(first) {
    const question = this.question;
    this.isLoading = true;
    this.hasFailed = false;
    this.pace.done();
    if (!this.cursor) this.unsaid = [...this.store.tasks.values()].filter((t) => !this.meant.has(called(t)));
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
      if (question === this.question && this.search && error.code === 'BAD_USER_INPUT') {
        this.refused = this.search;
        return this.load(first);
      }
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
    const { queueId, status, overdue, review } = this.filter;
    const filter = { status };
    if (review) filter.needsReview = true;
    if (queueId) filter.queueIds = [queueId];
    if (overdue) filter.overdue = true;
    if (this.search) filter.patient = this.search;
    return filter;
  }

  keep({ nodes, pageInfo }) {
    this.isLoading = false;
    for (const task of nodes) {
      this.meant.set(called(task), true);
      this.store.put(task);
    }
    this.loaded += nodes.length;
    this.hasMore = pageInfo.hasNextPage;
    this.cursor = pageInfo.endCursor;
    // As the page said it was: what has changed meanwhile may stand elsewhere by now.
    if (nodes.length) this.bound = nodes.at(-1);
    // Who was there before the page was read, has not changed since and is not in it, is not meant.
    for (const task of this.unsaid) {
      const isMissed = this.store.tasks.get(task.id) === task && this.isAsked(task) && this.isLoaded(task);
      if (isMissed && !this.meant.has(called(task))) this.meant.set(called(task), false);
    }
    this.refresh();
  }

  /** Make the rows anew from the store. */
  refresh() {
    if (this.loaded === 0 && this.isLoading) return; // the old rows stay until the new ones are here
    const isMeant = (task) => !this.search || this.meant.get(called(task));
    const isRow = (task) => isMeant(task) && this.isAsked(task) && this.isLoaded(task);
    this.rows = [...this.store.tasks.values()].filter(isRow).sort(ORDERS[this.order](this.day));
    this.headings = this.order === 'WORK' ? headings(this.rows, this.day) : [];
    this.onChange();
  }
}

/** What a task's patient is found by. */
const called = ({ patient }) => `${patient.id} ${patient.name} ${patient.phone}`;
