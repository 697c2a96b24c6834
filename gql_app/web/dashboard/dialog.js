// Log a contact. An open task's patient is claimed, until the task is closed. What was typed is lost only by
// logging it: not by refusals, a closed dialog, a reload, or the end of the session. Else it is a record.

import { SignedOut, graphql } from './api.js';
import { ONE_TASK } from './documents.js';
import { Drafts } from './drafts.js';
import { drawButtons, drawDate, drawFacts, drawNotes, drawOutcomes, drawRecord, fill, wipe } from './form.js';
import { Notices } from './notices.js';
import { Past } from './past.js';
import { Place } from './place.js';
import { takesDate, verdict } from './rules.js';
import { calling } from './words.js';
import { offerWrongNumber } from './wrong-number.js';

const EMPTY = {
  ...{ outcome: null, followUp: '', followUpTime: '', callBackBy: 'ANYONE', notes: '', contactStatus: '', incoming: false },
  ...{ suggested: false, touched: false },
};

export class ContactDialog {
  /** `claims` keeps the open task's claim. `onLogged(words, contacts)`: none that could not be undone;
   *  `onClosed()`; `onError(error)`. */
  constructor(store, claims, { onLogged, onClosed, onError }) {
    Object.assign(this, { store, claims, onLogged, onClosed, onError });
    this.element = document.getElementById('contact');
    this.form = this.element.querySelector('form');
    drawOutcomes(this.element);
    this.drafts = new Drafts();
    this.notices = new Notices(this.element, store, claims);
    this.past = new Past(this.element, store, {
      onChange: () => this.draw(),
      onOthers: (...others) => this.showOthers(...others),
      onCorrected: (task) => this.task?.id === task.id && this.open(task),
      onError: (error) => error instanceof SignedOut && onError(error),
    });
    this.place = new Place(this);
    this.viewer = null;
    this.task = null;
    this.listen();
    setInterval(() => this.draw(), 30_000); // "in 12 min" goes on by itself
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
    offerWrongNumber(this);
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

  /** `viewer` is at work now, whose id at home is `owner`. What another has typed is not theirs to see. */
  begin(viewer, owner) {
    const isOther = this.drafts.begin(owner, viewer.id);
    if (isOther) this.place.forget();
    const isElsewhere = this.viewer !== null && this.viewer.id !== viewer.id;
    const pending = isOther || isElsewhere ? null : this.pending;
    this.pending = null;
    this.viewer = viewer;
    if (pending) this.open(pending);
    else this.place.follow();
  }

  /** The session has ended: keep what was typed, show nothing. */
  suspend() {
    if (!this.element.open) return;
    this.pending = this.task;
    this.element.close();
  }

  /** The viewer has signed out: nothing of what was typed stays. */
  forget() {
    this.drafts.clear();
    this.past.forget();
    this.place.forget();
    this.pending = null;
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
    const { attempt = null, ...fields } = this.drafts.get(task.id) ?? {};
    this.attempt = attempt;
    this.fields = { ...EMPTY, ...fields };
    fill(this.form, this.fields);
    this.notices.begin(task);
    this.past.begin(task, this.viewer);
    this.draw();
    if (!this.element.open) this.element.showModal();
    this.place.enter(task.id);
    this.focus();
    if (this.viewer.mayMoveTasks) import('./set-priority.js').then(({ attach }) => attach(this), () => {});
    import('./attempt.js').catch(() => {}); // so that it is there when it is needed
  }

  /** Put the focus where work begins. */
  focus() {
    const { outcome } = this.form.elements;
    const chosen = [...outcome].find((input) => input.checked) ?? outcome[0];
    (this.isRecord ? this.part('dismiss') : chosen).focus();
  }

  /** Nothing can be logged here: it is only looked at. */
  get isRecord() {
    return !this.viewer.mayLogContacts || !this.task.isOpen;
  }

  async fetch() {
    const { id } = this.task;
    try {
      const { task } = await graphql(ONE_TASK, { id });
      if (task && this.task?.id === id) this.learn(task);
    } catch (error) {
      this.trouble('claim', error, id);
    }
  }

  /** Claim the patient; the task comes with it. */
  async claim() {
    const { id } = this.task;
    this.notices.refuse('claim', []);
    try {
      const answer = await this.claims.take(id);
      if (!answer) return; // it was closed meanwhile
      if (answer.task) this.learn(answer.task);
      this.notices.warn(answer.warnings);
      if (!this.claims.trouble) this.notices.refuse('claim', answer.errors);
      this.draw();
    } catch (error) {
      if (error instanceof SignedOut) this.onError(error);
      else this.draw(); // the claim's own notice tells it
    }
  }

  learn(detail) {
    if (!this.detail) this.notices.seen = detail; // the list may have been behind
    this.detail = this.task = detail;
    this.store.put(detail);
    this.suggest();
    this.draw();
  }

  suggest() {
    const { outcome, touched, followUp } = this.fields;
    const date = this.detail?.suggestedFollowUp;
    if (!outcome || !takesDate(outcome) || !date || touched || followUp) return;
    Object.assign(this.fields, { followUp: date, suggested: true });
    this.form.elements.followUp.value = date;
  }

  setDate(date) {
    Object.assign(this.fields, { followUp: date, suggested: false, touched: true });
    this.form.elements.followUp.value = date;
    this.notices.mended('followUp');
    this.keep();
  }

  typed({ name, value, type, checked }) {
    if (name === 'followUp') return this.setDate(value);
    this.fields[name] = type === 'checkbox' ? checked : value;
    this.notices.mended(name);
    if (name === 'outcome') this.suggest();
    this.keep();
  }

  keep() {
    this.drafts.put(this.task.id, { ...this.fields, attempt: this.attempt });
    this.draw();
  }

  /** Somebody has changed the task that is open here. */
  changed(event) {
    const { task, actor } = event;
    if (this.isSending || task.version <= this.task.version) return;
    this.claims.compare(event);
    this.notices.changed(actor);
    this.task = { ...this.task, ...task };
    this.draw();
  }

  /** The patient has another name or phone. */
  rename(patient) {
    this.task = { ...this.task, patient };
    this.draw();
  }

  why() {
    const caller = this.store.otherCaller(this.task);
    const all = caller && !this.fields.incoming
      ? calling(caller, this.task)
      : this.isSending
        ? 'Sending …'
        : null;
    if (all) return { log: all, close: all };
    const why = verdict(this.fields, this.task);
    const other = this.others?.why() ?? null;
    return { log: why.log ?? other, close: why.close ?? other };
  }

  async log(close) {
    const isBarred = () => this.isRecord || this.why()[close ? 'close' : 'log'];
    if (isBarred()) return;
    const { id } = this.task;
    try {
      const { send } = await import('./attempt.js');
      if (this.task?.id === id && !isBarred()) await send(this, close);
    } catch (error) {
      this.trouble('log', error, id);
    }
  }

  /** The patient and the household have these other open tasks. Most have none: what shows them is loaded for the
   *  rest. */
  async showOthers(...others) {
    this.otherTasks = others;
    try {
      if (others.some(({ length }) => length) && !this.others) {
        const { OtherTasks } = await import('./other-tasks.js');
        this.others ??= new OtherTasks(this);
      }
      this.others?.show(...this.otherTasks);
      this.draw();
    } catch (error) {
      this.onError(error);
    }
  }

  /** That the task waits for a supervisor. Few do, so what shows it is loaded then. */
  async drawReview() {
    this.part('review').hidden = !this.task.reviewSince;
    if (!this.task.reviewSince) return;
    try {
      const { drawReview } = await import('./reviewing.js');
      drawReview(this);
    } catch (error) {
      this.onError(error);
    }
  }

  trouble(act, error, id) {
    if (error instanceof SignedOut || this.task?.id !== id) return this.onError(error);
    this.notices.refuse(act, [error], 'Not done. What you typed is kept; try again.');
    this.draw();
  }

  closed() {
    this.task = null;
    this.past.begin(null);
    wipe(this.element);
    if (!this.pending) this.place.leave();
    this.claims.drop();
    this.onClosed();
  }

  draw() {
    if (!this.task) return;
    const { task, fields, isRecord } = this;
    this.others?.draw();
    const hadFocus = this.part('entry').contains(document.activeElement);
    drawFacts(this.element, task);
    this.priority?.draw();
    this.notices.draw(task);
    this.drawReview();
    for (const name of ['entry', 'actions']) this.part(name).hidden = isRecord;
    this.part('record').hidden = !isRecord;
    this.part('dismiss').setAttribute('aria-label', isRecord ? 'Close' : 'Close without logging');
    if (isRecord) {
      drawRecord(this.element, task, this.past.ending, fields);
      if (hadFocus) this.focus();
    } else {
      drawDate(this.form, fields, task, this.detail?.suggestedFollowUp);
      drawNotes(this.form, fields);
      drawButtons(this.element, fields, this.why(), this.others);
    }
  }
}
