// The Tasks page: queues with their counts, what is to be shown of them, the list, and the keyboard.

import { SignedOut } from './api.js';
import { Grid } from './grid.js';
import { TaskList } from './list.js';
import { passOver } from './pass-over.js';
import { outside, write } from './text.js';
import { count, nothingNext } from './words.js';
import { OPEN_STATUSES, STATUSES } from './workflow.js';

const WORK = 'WORK'; // what is to be done, beside the statuses
const REVIEW = 'REVIEW'; // what of that waits for a supervisor
const CHOICES = { [WORK]: 'Open', ...STATUSES, OPEN: 'Open, not contacted', [REVIEW]: 'Needs review' };
const TYPING_PAUSE = 200; // ms after the last key before a search begins
const MOST_SKIPPED = 100; // the server takes no more
const READING_PAUSE = 700; // ms without a change before a result is read out

const some = (n, word) => (n ? `${n.toLocaleString('en-US')} ${word}` : '');

export class TasksView {
  /** `say(words)` tells the user something; `onError(error)`; `onLook()`: something else is looked at. */
  constructor(store, dialog, claims, { say, onError, onLook }) {
    Object.assign(this, { store, dialog, claims, say, onError, onLook });
    this.element = document.getElementById('tasks');
    this.queues = this.element.querySelector('.queues');
    this.search = document.getElementById('search');
    this.status = document.getElementById('status');
    this.status.append(...Object.entries(CHOICES).map(([value, label]) => new Option(label, value)));
    this.overdue = document.getElementById('overdue');
    this.next = document.getElementById('next');
    this.note = document.getElementById('note');
    this.teaching = document.getElementById('none');
    this.result = document.getElementById('result');
    this.queueId = null;
    this.skipped = []; // tasks that are not wanted now, the latest last
    this.list = new TaskList(store, () => this.soon(), (error) => this.failed(error));
    this.grid = new Grid(document.getElementById('grid'), this.list, store, {
      onOpen: (task) => dialog.open(task),
    });
    this.listen();
  }

  listen() {
    this.search.addEventListener('input', () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.ask(), TYPING_PAUSE);
    });
    this.status.addEventListener('change', () => this.ask());
    this.overdue.addEventListener('change', () => this.ask());
    this.next.addEventListener('click', () => this.takeNext());
    passOver(this.dialog, { say: this.say, onError: this.onError, onSkip: (id) => this.skip(id) });
    this.queues.addEventListener('click', ({ target }) => {
      const button = target.closest('button');
      if (!button) return;
      this.queueId = button.dataset.id || null;
      this.drawQueues();
      this.ask();
    });
    this.store.listen((what, detail) => {
      if (what === 'snapshot') {
        if (!this.store.queues.some(({ id }) => id === this.queueId)) this.queueId = null;
        this.drawQueues();
        this.list.filter = this.wanted();
        this.list.reload();
        this.onLook();
      } else if (what === 'settings') {
        const isGone = this.queueId && !this.store.queues.some(({ id }) => id === this.queueId);
        if (isGone) this.queueId = null;
        this.drawQueues();
        if (isGone) this.ask();
        this.isStale = true;
        this.soon();
        this.onLook();
      } else if (what === 'counts') {
        this.drawQueues();
      } else {
        if (what === 'event') this.noticed(detail);
        this.isStale = true;
        this.soon();
      }
    });
    // Dates and times go on by themselves.
    setInterval(() => {
      this.isStale = true;
      this.soon();
    }, 30_000);
  }

  noticed({ kind, task }) {
    this.list.noticed(task);
    const isMine = task.callBackBy?.id === this.store.me;
    if (kind === 'CALL_BACK_DUE' && isMine) this.say(`Time to call ${outside(task.patient.name)} back.`);
  }

  clear() {
    this.list.reset();
    this.skipped = [];
    this.search.value = '';
    write(this.result, '');
    this.grid.clear();
    this.queues.replaceChildren();
  }

  /** The connection is back: what could not be loaded meanwhile can be now. */
  resume() {
    if (this.list.hasFailed) this.list.reload();
  }

  /** A day has begun: what was due tomorrow is due today. */
  newDay() {
    this.list.reload();
    this.drawQueues();
  }

  /** What is looked at, as parts of the page's title. */
  looksAt() {
    const { status, overdue, queueId } = this;
    const queue = this.store.queues.find(({ id }) => id === queueId);
    const what = overdue.checked && !overdue.disabled ? 'Overdue' : status.selectedOptions[0].label;
    return [what, queue ? outside(queue.name) : 'All queues'];
  }

  wanted() {
    const { value } = this.status;
    const review = value === REVIEW;
    const status = value === WORK || review ? OPEN_STATUSES : [value];
    const overdue = this.overdue.checked && !status.includes('CLOSED');
    return { queueId: this.queueId, status, overdue, review, patient: this.search.value };
  }

  ask() {
    this.overdue.disabled = this.status.value === 'CLOSED';
    this.grid.selected = null;
    this.toTop = true;
    this.toRead = true;
    this.list.show(this.wanted());
    this.onLook();
  }

  /** Draw before the next frame, once, however much has changed. */
  soon() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      if (this.isStale) {
        this.isStale = false;
        this.list.refresh();
        this.isDue = false;
      }
      this.draw();
    });
  }

  /** Say, where there is nothing at all, how tasks come, to those who may bring them in. */
  teach() {
    const { mayImport, mayCreateTasks } = this.dialog.viewer ?? {};
    const { open, closedToday } = this.store.countsOf(null);
    const isAll = !this.queueId && !this.search.value && this.status.value === WORK;
    const isNew = isAll && !this.list.rows.length && !this.list.isLoading && !open && !closedToday;
    this.teaching.hidden = !isNew || !(mayImport || mayCreateTasks);
    document.getElementById('none-import').hidden = !mayImport;
    document.getElementById('none-make').hidden = !mayCreateTasks;
  }

  draw() {
    this.grid.show(this.toTop);
    this.toTop = false;
    const { rows, isLoading, isQuiet, hasMore, isUnsearched } = this.list;
    const what = rows.length
      ? `${count(rows.length, 'task')}${hasMore ? ', more as you scroll' : ''}`
      : 'No tasks here.';
    this.teach();
    const found = isUnsearched ? `Type more to search. ${what}` : what;
    write(this.note, rows.length || !isLoading || isQuiet ? found : 'Loading …');
    if (this.toRead && !isLoading) this.readOut(found);
  }

  /** Have a screen reader tell what was found: of what the user has asked for, not of each change. */
  readOut(found) {
    clearTimeout(this.reading);
    this.reading = setTimeout(() => {
      this.toRead = false;
      write(this.result, ''); // so that the same result is told again
      write(this.result, found);
    }, READING_PAUSE);
  }

  drawQueues() {
    const entries = [{ id: null, name: 'All queues' }, ...this.store.queues];
    entries.forEach((queue, i) => {
      const counts = this.store.countsOf(queue.id);
      if (!counts) return;
      let button = this.queues.children[i]?.firstElementChild;
      if (!button) {
        const item = document.getElementById('queue').content.firstElementChild.cloneNode(true);
        this.queues.append(item);
        button = item.firstElementChild;
      }
      button.dataset.id = queue.id ?? '';
      if (queue.id === this.queueId) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
      const texts = {
        name: queue.id ? outside(queue.name) : queue.name,
        open: counts.open.toLocaleString('en-US'),
        overdue: some(counts.overdue, 'overdue'),
        today: some(counts.dueToday, 'today'),
        fresh: some(counts.notContacted, 'new'),
        review: some(counts.needsReview, 'to review'),
      };
      for (const [name, text] of Object.entries(texts)) {
        write(button.querySelector(`[data-part=${name}]`), text);
      }
    });
    while (this.queues.children.length > entries.length) this.queues.lastElementChild.remove();
  }

  failed(error) {
    write(this.note, outside(error.message));
    if (error instanceof SignedOut) this.onError(error);
    else this.say(outside(error.message));
  }

  async takeNext() {
    if (this.next.disabled) return;
    this.wait(true);
    try {
      const queueIds = this.queueId ? [this.queueId] : null;
      const { task, errors, claim, ...nothing } = await this.claims.next(queueIds, this.skipped);
      if (errors.length) return this.say(outside(errors[0].message));
      if (!task) return claim && this.sayNothing(nothing);
      if (this.dialog.task) {
        this.claims.giveBack(claim.id, task.id);
        return this.say('The next task was released: you have opened another one.');
      }
      this.grid.selected = task.id;
      this.dialog.openClaimed(task, claim);
    } catch (error) {
      this.failed(error);
    } finally {
      this.wait(false);
    }
  }

  /** Take the next task in place of the one that was open. */
  skip(taskId) {
    this.skipped = [...this.skipped, taskId].slice(-MOST_SKIPPED);
    return this.takeNext();
  }

  /** Say why there is no next task. What was skipped is offered again then. */
  sayNothing(nothing) {
    const again = this.skipped.length ? ' Next task offers what you skipped again.' : '';
    this.skipped = [];
    this.say(nothingNext(nothing) + again, 12_000);
  }

  /** Show that the next task is being waited for, or no longer. */
  wait(isWaiting) {
    const hadFocus = document.activeElement === this.next;
    this.next.disabled = isWaiting;
    this.next.setAttribute('aria-busy', isWaiting);
    write(this.next, isWaiting ? 'Finding a task …' : 'Next task');
    if (isWaiting) this.hadFocus = hadFocus;
    else if (this.hadFocus && !this.dialog.task) this.next.focus();
  }

  /** Whether the key was one of the page's own. */
  key(event) {
    const { grid } = this;
    const acts = {
      n: () => this.takeNext(),
      p: () => grid.selectedTask && (location.hash = `#/patients/${grid.selectedTask.patient.id}`),
      '/': () => this.search.focus(),
      j: () => grid.move(1),
      k: () => grid.move(-1),
      ArrowDown: () => grid.move(1),
      ArrowUp: () => grid.move(-1),
      PageDown: () => grid.move(grid.page()),
      PageUp: () => grid.move(-grid.page()),
      Home: () => grid.selectAt(0),
      End: () => grid.selectAt(grid.rows.length - 1),
      Enter: () => grid.selectedTask && this.dialog.open(grid.selectedTask),
    };
    const act = acts[event.key];
    const isOnControl = event.target.closest('button, select, a, summary, input');
    if (!act || (isOnControl && !['n', 'p', '/', 'j', 'k'].includes(event.key))) return false;
    if (!['n', 'p', '/', 'Enter'].includes(event.key)) grid.element.focus({ preventScroll: true });
    act();
    return true;
  }
}
