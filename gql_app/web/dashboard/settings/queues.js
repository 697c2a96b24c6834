// The queues: in their order, which is changed by dragging or by keyboard, with what each gives to its tasks.

import { LONG_PATIENCE, TimedOut, graphql } from '../api.js';
import { outside, write } from '../text.js';
import { count } from '../words.js';
import { ARCHIVE_QUEUE, CREATE_QUEUE, QUEUES, UPDATE_QUEUE } from './documents/queues.js';
import { button, ending, field, made, mayStill, sending } from './fields.js';
import { QueueForm } from './queue_form.js';

const WHAT = 'A queue is a list of patients to call for one reason, such as overdue recall or missed appointments. Tasks ' +
  'come into a queue by an import, by a partner’s program, or one by one.';

export class Section {
  constructor({ say, onError }) {
    Object.assign(this, { say, onError, queues: [], open: null });
    this.list = made('ol', { className: 'queue-list' });
    this.add = button('Add a queue', () => this.edit(null), { className: 'primary' });
    this.fresh = made('div');
    this.archived = made('ul');
    this.old = made('details', { hidden: true }, made('summary', { text: 'Archived queues' }), this.archived);
    this.heard = made('p', { className: 'unseen', role: 'status' });
    this.element = made(
      'section',
      { ariaLabel: 'Queues' },
      made('h2', { text: 'Queues' }),
      made('p', { className: 'muted', text: WHAT }),
      this.list,
      this.fresh,
      made('div', {}, this.add),
      this.old,
      this.heard,
    );
    this.listen();
  }

  /** What is being typed is left alone. */
  async show() {
    if (!this.open) await this.load();
  }

  /** Somebody has changed them. */
  changed() {
    this.show().catch(this.onError);
  }

  async load() {
    this.queues = (await graphql(QUEUES)).queues;
    if (!this.open && !this.dragged) this.draw();
  }

  get used() {
    return this.queues.filter(({ archivedAt }) => !archivedAt);
  }

  draw() {
    const old = this.queues.filter(({ archivedAt }) => archivedAt);
    const focused = document.activeElement?.dataset?.key;
    this.list.replaceChildren(...this.used.map((queue, place) => this.item(queue, place)));
    this.archived.replaceChildren(...old.map((queue) => this.oldItem(queue)));
    this.old.hidden = !old.length;
    this.fresh.replaceChildren();
    this.add.hidden = false;
    this.list.classList.remove('busy');
    if (focused) this.element.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  item(queue, place) {
    const name = outside(queue.name);
    const act = (text, key, what, properties = {}) => {
      const made = button(text, what, { ariaLabel: `${key}: ${name}`, ...properties });
      made.dataset.key = `${key} ${queue.id}`;
      return made;
    };
    const item = made(
      'li',
      { draggable: true },
      made('span', { className: 'grip', text: '⠿', ariaHidden: 'true' }),
      made('div', { className: 'told' }, made('strong', { text: name }), made('small', { text: summary(queue) })),
      made(
        'div',
        { className: 'buttons' },
        act('↑', 'Move up', () => this.move(queue, place - 1, 'Move up'), { disabled: place === 0 }),
        act('↓', 'Move down', () => this.move(queue, place + 1, 'Move down'), { disabled: place === this.used.length - 1 }),
        act('Change', 'Change', () => this.edit(queue)),
        act('Archive', 'Archive', () => this.ask(queue)),
      ),
    );
    item.dataset.id = queue.id;
    return item;
  }

  oldItem(queue) {
    const name = outside(queue.name);
    const back = button('Bring back', () => this.bringBack(queue), { ariaLabel: `Bring back: ${name}` });
    return made('li', {}, made('div', { className: 'told' }, made('strong', { text: name })), back);
  }

  // ---- their order

  listen() {
    this.list.addEventListener('dragstart', (event) => {
      if (this.open) return event.preventDefault(); // text is selected in its form
      const { target, dataTransfer } = event;
      this.dragged = target.closest('li');
      dataTransfer.effectAllowed = 'move';
      dataTransfer.setData('text/plain', ''); // Firefox drags nothing otherwise
    });
    this.list.addEventListener('dragover', (event) => {
      const over = event.target.closest('li');
      if (!this.dragged || !over) return;
      event.preventDefault();
      const { top, height } = over.getBoundingClientRect();
      if (over !== this.dragged) over[event.clientY < top + height / 2 ? 'before' : 'after'](this.dragged);
    });
    this.list.addEventListener('drop', (event) => {
      event.preventDefault();
      this.isDropped = true;
    });
    this.list.addEventListener('dragend', () => {
      const { dragged, isDropped } = this;
      Object.assign(this, { dragged: null, isDropped: false });
      if (!dragged) return;
      const place = [...this.list.children].indexOf(dragged);
      const queue = this.used.find(({ id }) => id === dragged.dataset.id);
      // Without a drop it was cancelled: by Escape, or beside the list.
      if (isDropped && queue && this.used.indexOf(queue) !== place) this.move(queue, place);
      else this.draw();
    });
  }

  /** Put a queue at a place; the focus stays on the button, or goes to the other one at the end of the list. */
  async move(queue, position, by = null) {
    if (!(await this.done(UPDATE_QUEUE, { id: queue.id, position }))) return;
    write(this.heard, `${outside(queue.name)} is now ${position + 1} of ${this.used.length}.`);
    if (!by) return;
    const button = this.element.querySelector(`[data-key="${CSS.escape(`${by} ${queue.id}`)}"]`);
    const other = by === 'Move up' ? 'Move down' : 'Move up';
    if (button?.disabled) this.element.querySelector(`[data-key="${CSS.escape(`${other} ${queue.id}`)}"]`)?.focus();
    else button?.focus();
  }

  // ---- one of them

  /** Open the form of a queue in its place, or of a new one behind the others. */
  edit(queue) {
    this.close();
    this.open = queue ?? {};
    const form = new QueueForm(queue, {
      save: (input) => this.save(queue, input),
      cancel: () => this.cancel(queue),
      onError: this.onError,
    });
    this.put(queue, form.element);
    form.element.elements.name.focus();
  }

  put(queue, form) {
    this.list.classList.add('busy');
    if (!queue) {
      this.add.hidden = true;
      return this.fresh.replaceChildren(form);
    }
    const item = this.list.querySelector(`[data-id="${CSS.escape(queue.id)}"]`);
    item.append(form);
  }

  close() {
    this.open = null;
    this.draw();
  }

  cancel(queue) {
    this.close();
    const key = queue && `[data-key="${CSS.escape(`Change ${queue.id}`)}"]`;
    (key ? this.element.querySelector(key) : this.add).focus();
  }

  async save(queue, input) {
    const [document, sent] = queue ? [UPDATE_QUEUE, { id: queue.id, ...input }] : [CREATE_QUEUE, input];
    const [{ errors }] = Object.values(await graphql(document, { input: sent }));
    if (errors.length) return errors;
    this.open = null;
    await this.load();
    this.cancel(queue);
    this.say('Saved. Everybody sees it at once.');
    return [];
  }

  /** Ask what becomes of the open tasks of a queue that is to be archived. */
  ask(queue) {
    this.close();
    this.open = queue;
    const others = this.used.filter(({ id }) => id !== queue.id);
    const target = made('select', {}, new Option('Close them', ''));
    target.append(...others.map(({ id, name }) => new Option(`Move them to ${outside(name)}`, id)));
    const form = made(
      'form',
      { ariaLabel: 'Archive the queue' },
      field('moveTo', `What becomes of its open tasks (${queue.counts.open})?`, target, 'Nothing is lost: closed tasks keep their history.'),
      ...ending('Archive', button('Cancel', () => this.cancel(queue))),
    );
    sending(form, () => this.archive(queue, target.value || null), this.onError);
    this.put(queue, form);
    target.focus();
  }

  async archive(queue, moveTo) {
    let words;
    try {
      const sent = { input: { id: queue.id, moveTo } };
      const { tasks, errors } = (await graphql(ARCHIVE_QUEUE, sent, { patience: LONG_PATIENCE })).archiveQueue;
      if (errors.length) return errors.map((error) => ({ ...error, field: error.field?.at(-1) === 'id' ? null : error.field }));
      words = `Archived. ${count(tasks, 'task')} ${moveTo ? 'moved' : 'closed'}.`;
    } catch (error) {
      if (!(error instanceof TimedOut)) throw error;
      words = mayStill(error, `archiving ${outside(queue.name)}`);
    }
    this.open = null;
    await this.load();
    this.add.focus();
    this.say(words);
    return [];
  }

  async bringBack(queue) {
    if (await this.done(UPDATE_QUEUE, { id: queue.id, bringBack: true })) this.say('It is in use again.');
  }

  /** Send a change and show what is now. Whether it was made. */
  async done(mutation, input) {
    try {
      const [{ errors }] = Object.values(await graphql(mutation, { input }));
      if (errors.length) this.say(outside(errors[0].message));
      await this.load();
      return !errors.length;
    } catch (error) {
      this.onError(error);
      return false;
    }
  }
}

function summary(queue) {
  const { followUpLadder, automaticLifeDays, maxAttempts, closesAtMaxAttempts, closesOnAppointment, script, counts } = queue;
  return [
    count(counts.open, 'open task'),
    followUpLadder && `call again after ${followUpLadder.join(', ')} days`,
    automaticLifeDays && `automatic tasks expire after ${count(automaticLifeDays, 'day')}`,
    maxAttempts && `${count(maxAttempts, 'attempt')} at most, then ${closesAtMaxAttempts ? 'close' : 'a supervisor says how to go on'}`,
    closesOnAppointment && 'closes on appointment',
    queue.missedAppointments && 'takes missed appointments',
    queue.appointmentKinds && `only ${queue.appointmentKinds.map(outside).join(', ')}`,
    script && 'with a script',
  ].filter(Boolean).join(' · ');
}
