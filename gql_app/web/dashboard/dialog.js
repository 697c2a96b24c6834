// Log a contact. Whoever opens a task claims its patient; closing without logging gives it back. What
// was typed is lost only by logging it: it is kept through refusals, through closing the dialog, and
// through the end of the session (in memory alone).

import { SignedOut, graphql } from './api.js';
import { CLAIM, LOG, ONE_TASK, RELEASE } from './documents.js';
import { drawDate, drawFacts, drawHistory, made } from './form.js';
import { verdict } from './rules.js';
import { OUTCOMES, clock, differences, shortDate } from './words.js';

const RENEW = 4 * 60_000; // ms; a claim lasts ten minutes unless the server is told otherwise
const EMPTY = { outcome: null, followUp: '', notes: '', suggested: false, touched: false };

export class ContactDialog {
  /** `onLogged(task, words)`; `onClosed()`; `onError(error)`. */
  constructor(store, { onLogged, onClosed, onError }) {
    Object.assign(this, { store, onLogged, onClosed, onError });
    this.element = document.getElementById('contact');
    this.form = this.element.querySelector('form');
    this.drafts = new Map();
    this.viewer = null;
    this.task = null;
    this.listen();
    store.listen((what, detail) => {
      if (what === 'event' && detail.task.id === this.task?.id) this.changed(detail);
    });
    setInterval(() => this.renew(), RENEW);
    addEventListener('pagehide', () => this.isClaimed && this.release(this.task.id));
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
    const isSame = this.viewer?.name === viewer.name && this.viewer.role === viewer.role;
    if (!isSame) {
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
    this.isClaimed = false; // it cannot be given back without a session
    this.element.close();
  }

  /** Show a task of the list, and claim its patient. */
  async open(task) {
    this.show(task);
    const claims = this.viewer.mayLogContacts && task.isOpen;
    await this.fetch(claims ? CLAIM : ONE_TASK, claims);
  }

  /** Show a task that is claimed already, with its contacts. */
  openClaimed(task) {
    this.show(task);
    this.isClaimed = true;
    this.learn(task);
  }

  show(task) {
    this.task = task;
    this.detail = null;
    this.isClaimed = this.isSending = false;
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
    (this.form.querySelector('input[name=outcome]:checked') ?? this.form.elements.outcome[0]).focus();
  }

  async fetch(document, claims) {
    const { id } = this.task;
    try {
      const data = await graphql(document, { id });
      const answer = claims ? data.claimTask : { task: data.task, errors: [] };
      const isClaimed = claims && answer.errors.length === 0;
      if (isClaimed) this.store.claimed(answer.task);
      if (this.task?.id !== id) return isClaimed && this.release(id); // it was closed meanwhile
      this.isClaimed = isClaimed;
      if (answer.task) this.learn(answer.task);
      if (!isClaimed) this.say('errors', answer.errors.map((error) => error.message));
    } catch (error) {
      this.trouble(error);
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
  changed({ task, actor }) {
    if (this.isSending || task.version <= this.task.version) return;
    const told = differences(this.task, task);
    const before = this.store.otherCaller(this.task);
    const caller = this.store.otherCaller(task);
    if (caller) {
      this.isClaimed = false;
    } else if (before && task.isOpen && this.viewer.mayLogContacts) {
      told.push(`${before} has given the patient back.`);
      this.fetch(CLAIM, true);
    }
    this.task = { ...this.task, ...task };
    if (told.length) this.say('changes', told, `Changed meanwhile${actor ? ` by ${actor.name}` : ''}:`);
    this.draw();
  }

  why() {
    const caller = this.store.otherCaller(this.task);
    const all = !this.viewer.mayLogContacts
      ? 'Your key may not log contacts.'
      : caller && this.task.isOpen
        ? `${caller} is calling this patient until ${clock(this.task.claim.until)}.`
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
    }
  }

  answered({ task, errors }) {
    const before = this.task;
    this.attempt = null; // whatever is sent next is another attempt
    if (errors.length === 0) {
      this.drafts.delete(task.id);
      this.isClaimed = false; // logging has ended it
      this.store.put(task);
      this.element.close();
      const then = task.isOpen ? `again ${shortDate(task.followUp)}` : 'closed';
      this.onLogged(task, `${task.patient.name}: ${OUTCOMES[task.lastContact.outcome]}, ${then}.`);
      return;
    }
    this.say('errors', errors.map((error) => error.message), 'Not logged. What you typed is kept.');
    if (task) {
      const told = differences(before, task);
      if (told.length) this.say('changes', told, 'Changed meanwhile:');
      this.learn(task);
    }
    this.draw();
  }

  trouble(error) {
    if (error instanceof SignedOut) return this.onError(error);
    this.say('errors', [error.message], 'Not done. What you typed is kept; try again.');
    this.draw();
  }

  closed() {
    const task = this.task;
    this.task = null;
    if (this.isClaimed) this.release(task.id);
    this.isClaimed = false;
    this.onClosed();
  }

  async release(id) {
    try {
      const { releaseTask } = await graphql(RELEASE, { id });
      this.store.put(releaseTask.task);
    } catch (error) {
      // It ends by itself when its time is up.
      if (error instanceof SignedOut) this.onError(error);
    }
  }

  renew() {
    if (this.isClaimed && this.hasTyped && !this.isSending) this.fetch(CLAIM, true);
    this.hasTyped = false;
  }

  say(part, lines, title = '') {
    const box = this.part(part);
    box.hidden = lines.length === 0;
    box.querySelector('strong').textContent = title;
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
    const why = this.why();
    for (const name of ['log', 'close']) {
      this.part(name).disabled = why[name] !== null;
      this.part(`why-${name}`).textContent = why[name] ?? '';
    }
    const isReadOnly = !this.viewer.mayLogContacts || !task.isOpen;
    this.form.querySelectorAll('.entry').forEach((group) => (group.disabled = isReadOnly));
  }
}

/** crypto.randomUUID is there on secure pages only; a closed network may have plain http. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
