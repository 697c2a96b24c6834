// Log a contact. Whoever opens a task claims its patient; closing without logging gives it back. What
// was typed is lost only by logging it: it is kept through refusals, through closing the dialog, and
// through the end of the session (in memory alone).

import { SignedOut, graphql } from './api.js';
import { newKey } from './claim.js';
import { LOG, ONE_TASK } from './documents.js';
import { drawDate, drawFacts, drawHistory, made } from './form.js';
import { verdict } from './rules.js';
import { outside, write } from './text.js';
import { OUTCOMES, clock, differences, shortDate } from './words.js';

const EMPTY = { outcome: null, followUp: '', notes: '', suggested: false, touched: false };

export class ContactDialog {
  /** `claims` keeps the open task's claim. `onLogged(task, words)`; `onClosed()`; `onError(error)`. */
  constructor(store, claims, { onLogged, onClosed, onError }) {
    Object.assign(this, { store, claims, onLogged, onClosed, onError });
    this.element = document.getElementById('contact');
    this.form = this.element.querySelector('form');
    this.drafts = new Map();
    this.viewer = null;
    this.task = null;
    this.listen();
    store.listen((what, detail) => {
      if (what === 'event' && detail.task.id === this.task?.id) this.changed(detail);
      if (what === 'patient' && detail.id === this.task?.patient.id) this.rename(detail);
    });
    claims.onChange = () => this.draw();
  }

  part(name) {
    return this.element.querySelector(`[data-part=${name}]`);
  }

  listen() {
    this.form.addEventListener('submit', (event) => event.preventDefault());
    this.form.addEventListener('input', ({ target }) => this.typed(target));
    this.element.addEventListener('close', () => this.closed());
    this.part('dismiss').addEventListener('click', () => this.element.close());
    this.part('log').addEventListener('click', () => this.log(false));
    this.part('close').addEventListener('click', () => this.log(true));
    this.part('claim-again').addEventListener('click', () => {
      this.claim();
      this.focus(); // the button goes away
    });
    this.part('quick').addEventListener('click', ({ target }) => {
      const { date } = target.dataset;
      if (date !== undefined) this.setDate(date);
    });
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        this.part(event.shiftKey ? 'close' : 'log').click(); // does nothing where it is disabled
      }
    });
  }

  /** `viewer` is at work now. What another has typed is not theirs to see. */
  begin(viewer) {
    if (this.viewer?.id !== viewer.id) {
      this.drafts.clear();
      this.pending = null;
    }
    this.viewer = viewer;
    const pending = this.pending;
    this.pending = null;
    if (pending) this.open(pending);
  }

  /** The session has ended: keep what was typed, show nothing. */
  suspend() {
    if (!this.element.open) return;
    this.pending = this.task;
    this.element.close();
  }

  /** Show a task of the list, and claim its patient. */
  async open(task) {
    this.show(task);
    await (this.viewer.mayLogContacts && task.isOpen ? this.claim() : this.fetch());
  }

  /** Show a task that is claimed already, with its contacts. */
  openClaimed(task, claim) {
    this.show(task);
    this.claims.keep(claim, task);
    this.learn(task);
  }

  show(task) {
    this.task = task;
    this.detail = null;
    this.isSending = false;
    this.attempt = null;
    this.form.reset();
    this.fields = { ...EMPTY, ...this.drafts.get(task.id) };
    this.say('changes', []);
    this.say('errors', []);
    for (const input of this.form.elements.outcome) {
      input.checked = input.value === this.fields.outcome;
    }
    this.form.elements.followUp.value = this.fields.followUp;
    this.form.elements.notes.value = this.fields.notes;
    this.draw();
    if (!this.element.open) this.element.showModal();
    this.focus();
  }

  focus() {
    (this.form.querySelector('input[name=outcome]:checked') ?? this.form.elements.outcome[0]).focus();
  }

  async fetch() {
    const { id } = this.task;
    try {
      const { task } = await graphql(ONE_TASK, { id });
      if (task && this.task?.id === id) this.learn(task);
    } catch (error) {
      this.trouble(error);
    }
  }

  /** Claim the patient; the task comes with it. */
  async claim() {
    const { id } = this.task;
    this.say('errors', []);
    try {
      const answer = await this.claims.take(id);
      if (!answer) return; // it was closed meanwhile
      if (answer.task) this.learn(answer.task);
      if (!this.claims.trouble) this.say('errors', answer.errors.map((error) => outside(error.message)));
    } catch (error) {
      if (error instanceof SignedOut) this.onError(error);
      else this.draw(); // the claim's own notice tells it
    }
  }

  learn(detail) {
    this.detail = detail;
    this.task = detail;
    this.store.put(detail);
    this.suggest();
    this.draw();
  }

  suggest() {
    const { outcome, touched, followUp } = this.fields;
    const date = this.detail?.suggestedFollowUp;
    if (outcome === 'SCHEDULED') {
      if (this.fields.suggested) Object.assign(this.fields, { followUp: '', suggested: false });
    } else if (outcome && date && !touched && !followUp) {
      Object.assign(this.fields, { followUp: date, suggested: true });
    }
    this.form.elements.followUp.value = this.fields.followUp;
  }

  setDate(date) {
    Object.assign(this.fields, { followUp: date, suggested: false, touched: true });
    this.form.elements.followUp.value = date;
    this.keep();
  }

  typed({ name, value }) {
    this.hasTyped = true;
    if (name === 'followUp') return this.setDate(value);
    this.fields[name] = value;
    if (name === 'outcome') this.suggest();
    this.keep();
  }

  keep() {
    this.drafts.set(this.task.id, { ...this.fields });
    this.draw();
  }

  /** Somebody has changed the task that is open here. */
  changed(event) {
    const { task, actor } = event;
    if (this.isSending || task.version <= this.task.version) return;
    const told = differences(this.task, task);
    this.claims.compare(event);
    this.task = { ...this.task, ...task };
    if (told.length) this.say('changes', told, `Changed meanwhile${actor ? ` by ${outside(actor.name)}` : ''}:`);
    this.draw();
  }

  /** The patient has another name or phone. */
  rename(patient) {
    this.task = { ...this.task, patient };
    this.draw();
  }

  why() {
    const caller = this.store.otherCaller(this.task);
    const all = !this.viewer.mayLogContacts
      ? 'Your key may not log contacts.'
      : caller && this.task.isOpen
        ? `${outside(caller)} is calling this patient until ${clock(this.task.claim.until)}.`
        : this.isSending
          ? 'Sending …'
          : null;
    return all ? { log: all, close: all } : verdict(this.fields, this.task);
  }

  async log(close) {
    if (this.why()[close ? 'close' : 'log']) return;
    const { outcome, followUp, notes } = this.fields;
    const date = close ? null : followUp;
    const sent = JSON.stringify([outcome, date, notes, close]);
    // The same form once more, because no answer came: under the same key it is logged once.
    if (this.attempt?.sent !== sent) {
      const idempotencyKey = newKey();
      const expectedVersion = this.task.version;
      const taskId = this.task.id;
      const text = notes.trim() ? notes : null;
      const variables = { taskId, outcome, followUp: date, notes: text, close };
      this.attempt = { sent, variables: { ...variables, expectedVersion, idempotencyKey } };
    }
    this.isSending = true;
    this.say('errors', []);
    this.draw();
    try {
      const { logContact } = await graphql(LOG, this.attempt.variables);
      this.isSending = false;
      this.answered(logContact);
    } catch (error) {
      this.isSending = false;
      this.trouble(error);
      const known = this.store.tasks.get(this.task?.id); // what was heard meanwhile
      if (known) this.changed({ task: known });
    }
  }

  answered({ task, errors }) {
    const before = this.task;
    this.attempt = null; // whatever is sent next is another attempt
    if (errors.length === 0) {
      this.drafts.delete(task.id);
      this.claims.done(task.id);
      this.store.put(task);
      this.element.close();
      const then = task.isOpen ? `again ${shortDate(task.followUp)}` : 'closed';
      this.onLogged(task, `${outside(task.patient.name)}: ${OUTCOMES[task.lastContact.outcome]}, ${then}.`);
      return;
    }
    this.say('errors', errors.map((error) => outside(error.message)), 'Not logged. What you typed is kept.');
    if (task) {
      const told = differences(before, task);
      if (told.length) this.say('changes', told, 'Changed meanwhile:');
      this.learn(task);
      this.claims.compare({ task });
    }
    this.draw();
  }

  trouble(error) {
    if (error instanceof SignedOut) return this.onError(error);
    this.say('errors', [outside(error.message)], 'Not done. What you typed is kept; try again.');
    this.draw();
  }

  closed() {
    this.task = null;
    this.claims.drop();
    this.onClosed();
  }

  say(part, lines, title = '') {
    const box = this.part(part);
    box.hidden = lines.length === 0;
    write(box.querySelector('strong'), title);
    box.querySelector('ul').replaceChildren(...lines.map((line) => made('li', line)));
  }

  draw() {
    const { task, fields } = this;
    if (!task) return;
    drawFacts(this.element, task);
    drawDate(this.form, fields, task, this.detail?.suggestedFollowUp);
    const contacts = this.detail?.contacts.nodes ?? [];
    if (contacts !== this.drawn) drawHistory(this.element, contacts);
    this.drawn = contacts; // not anew with every key: it may have been scrolled
    this.drawClaim();
    const why = this.why();
    for (const name of ['log', 'close']) {
      this.part(name).disabled = why[name] !== null;
      write(this.part(`why-${name}`), why[name] ?? '');
    }
    const isReadOnly = !this.viewer.mayLogContacts || !task.isOpen;
    this.form.querySelectorAll('.entry').forEach((group) => (group.disabled = isReadOnly));
  }

  /** Say that the patient is not claimed, and offer to claim again. */
  drawClaim() {
    const { title = '', why = '' } = this.claims.trouble ?? {};
    const told = title + why;
    if (told !== this.toldOfClaim) this.say('claim', told ? [why] : [], title);
    this.toldOfClaim = told; // not anew with every key: it is read out
    this.part('claim-again').disabled = this.store.otherCaller(this.task) !== null;
  }
}
