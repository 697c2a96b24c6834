// What is known of a patient beside the task that is open: all contacts with them, their other open
// tasks, and how a closed task ended. It follows what others do. Supervisors can take back what was done.

import { graphql } from './api.js';
import { HOUSEHOLD, PAST } from './documents.js';
import { Pace } from './pace.js';
import { write } from './text.js';
import { clock, dateOf, dayAndClock, nextAppointment, rests, today } from './words.js';

const PAGE = 20;
const MOST = 500; // rows that the server gives at once
const NO_NEWS = new Set(['CLAIMED', 'RELEASED', 'CALL_BACK_DUE', 'CALL_BACK_PASSED_ON', 'PRIORITY_CHANGED']); // kinds of events that change nothing here

export class Past {
  /** `onChange()`: there is something new to draw; `onOthers(tasks, members)`: the other open ones of
   *  the patient and the household, and who is in it; `onCorrected(task)`: something was taken back, and so is
   *  the task now; `onError(error)`. */
  constructor(dialog, store, { onChange, onOthers, onCorrected, onError }) {
    Object.assign(this, { dialog, store, onChange, onOthers, onCorrected, onError });
    this.part = (name) => dialog.querySelector(`[data-part=${name}]`);
    this.pace = new Pace(() => this.load());
    this.begin(null);
    this.part('earlier').addEventListener('click', () => {
      this.wanted = Math.min(this.wanted + (this.hasFailed ? 0 : 2 * PAGE), MOST);
      this.load();
    });
    this.part('reopen').addEventListener('click', () => this.correct('reopen'));
    store.listen((what, detail) => {
      if (!this.task) return;
      const isOurs = what === 'event' && this.kin.has(detail.task.patient.id);
      if (what === 'snapshot' || (isOurs && !NO_NEWS.has(detail.kind))) this.pace.soon();
    });
  }

  /** Show the past of this task's patient to a viewer; of nobody with null. */
  begin(task, viewer = null) {
    Object.assign(this, { task, ending: null, wanted: PAGE, hasFailed: false, isAsked: false });
    this.kin = new Set([task?.patient.id]); // the patient, and the rest of the household
    this.mayCorrect = Boolean(viewer?.mayCorrect);
    if (viewer && viewer.id !== this.viewerId) this.forget();
    if (viewer) this.viewerId = viewer.id;
    this.corrections?.begin();
    this.draw(null);
    if (task) this.load();
  }

  /** The viewer has signed out: nothing of what was typed stays. */
  forget() {
    this.corrections?.forget();
  }

  /** Read it anew: once more at the end, if something happens while it is being read. */
  async load() {
    if (!this.task) return;
    this.isAsked = true;
    if (this.isLoading) return;
    this.isLoading = true;
    while (this.isAsked && this.task) {
      this.isAsked = false;
      await this.read(this.task);
    }
    this.isLoading = false;
  }

  async read(task) {
    this.pace.done();
    try {
      const asked = graphql(PAST, { id: task.id, first: this.wanted }, { isKept: false });
      const [answer, { drawHistory }] = await Promise.all([asked, import('./history.js')]);
      this.drawHistory = drawHistory;
      if (this.task !== task || !answer.task) return;
      const { patient } = answer.task;
      if (patient.household) {
        const more = await graphql(HOUSEHOLD, { id: task.id }, { isKept: false });
        if (this.task !== task) return;
        patient.household = more.task?.patient.household;
      }
      this.hasFailed = false;
      this.ending = answer.task;
      this.draw(answer.task.patient);
      this.onChange();
    } catch (error) {
      if (this.task !== task) return;
      this.hasFailed = true;
      this.drawEnd('Earlier contacts could not be loaded.', 'Try again');
      this.onError(error);
    }
  }

  draw(patient) {
    const contacts = patient?.contacts.nodes ?? [];
    const hasMore = patient?.contacts.pageInfo.hasNextPage;
    // Nothing leads back to who is not to be called.
    const mayCorrect = this.mayCorrect && patient?.contactStatus === 'OK';
    const onUndo = mayCorrect && ((contact) => this.correct('undo', contact));
    this.drawHistory?.(this.part('history'), contacts, this.task, { postponements: this.postponements(contacts, hasMore), onUndo });
    this.drawRest(contacts.filter(({ undo }) => !undo), patient?.nextAppointment);
    this.part('reopen').hidden = !mayCorrect || this.ending.isOpen;
    this.drawOthers(patient);
    if (!patient) this.drawEnd('Loading …');
    else if (!contacts.length) this.drawEnd('Nobody has called yet.');
    else if (!hasMore) this.drawEnd('');
    else if (contacts.length < MOST) this.drawEnd('', 'Show earlier contacts');
    else this.drawEnd(`These are the latest ${MOST}.`);
  }

  /** The other open tasks: the patient's own, then those of others of the household. */
  drawOthers(patient) {
    const { guarantor, members = [] } = patient?.household ?? {};
    const others = members.filter(({ id }) => id !== this.task.patient.id);
    for (const { id } of others) this.kin.add(id);
    const own = (patient?.tasks.nodes ?? []).filter(({ id }) => id !== this.task.id);
    const theirs = others.flatMap((member) => member.tasks.nodes.map((task) => ({ ...task, member })));
    const named = members.map((member) => ({ ...member, isGuarantor: member.id === guarantor?.id }));
    this.onOthers([...own, ...theirs], named);
  }

  /** Those that stand between the contacts that are shown. */
  postponements(contacts, hasMore) {
    const all = this.ending?.postponements ?? [];
    const oldest = hasMore ? Date.parse(contacts.at(-1).contactedAt) : 0;
    return all.filter(({ at }) => Date.parse(at) >= oldest);
  }

  /** Say that the patient was called a short time ago: the next task would be another's. And which
   *  appointment comes next. */
  drawRest(contacts, appointment) {
    const last = contacts.reduce((latest, { contactedAt }) => (contactedAt > latest ? contactedAt : latest), '');
    const isTold = last && this.task.isOpen && rests(last, this.store.restHours);
    const when = isTold && (dateOf(last) === today() ? `at ${clock(last)} today` : `on ${dayAndClock(last)}`);
    const told = [isTold && `Was called ${when}.`, appointment && nextAppointment(appointment)].filter(Boolean).join(' ');
    write(this.part('rests'), told);
    this.part('rests').hidden = !told;
  }

  /** Ask why, and take back. Few do, so it is loaded then. */
  async correct(act, contact) {
    const { task, onCorrected, onError } = this;
    try {
      const { Corrections } = await import('./corrections.js');
      this.corrections ??= new Corrections({ onCorrected, onError });
      if (this.task === task) this.corrections[act](task, contact);
    } catch (error) {
      onError(error);
    }
  }

  drawEnd(words, action = '') {
    write(this.part('no-history'), words);
    write(this.part('earlier'), action);
    this.part('earlier').hidden = !action;
  }
}
