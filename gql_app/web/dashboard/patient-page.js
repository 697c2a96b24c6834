// One patient: numbers, tasks, contacts, appointments, and who was merged into them. It follows what others
// do, as the list of tasks does.

import { SignedOut, graphql } from './api.js';
import { newKey } from './claim.js';
import { button, made } from './elements.js';
import { FormDialog } from './form-dialog.js';
import { drawHistory } from './history.js';
import { MergeDialog } from './merge-dialog.js';
import { Pace } from './pace.js';
import { NEW_TASK, PATIENT, SET_APPOINTMENT, UNMERGE, UPDATE } from './patient-documents.js';
import { PatientStatus } from './patient-status.js';
import { appointmentLine, appointmentTold, membersOf, mergeLine, taskLine } from './patient-lines.js';
import { MORE, changes, entered, fillKinds, placed } from './patient-numbers.js';
import { PRIORITIES } from './priorities.js';
import { languageName, markButton, numberLine } from './reach.js';
import { outside, write } from './text.js';

const PAGE = 20;
const MOST = 500; // rows that the server gives at once
const NO_NEWS = new Set(['CLAIMED', 'RELEASED']); // kinds of events that change nothing here

const HOW_TO_WRITE = 'As you would dial it, or with + and the country. “ext. 45” may follow.';

/** The fields of what a patient is called, and by which number. */
export const CALLED = [
  { name: 'name', label: 'Name', maxlength: 300, spellcheck: 'false' },
  { name: 'phone', label: 'Phone', type: 'tel', maxlength: 100, hint: HOW_TO_WRITE },
];

export class PatientPage {
  /** `say(words)`; `onError(error)`; `goTo(id)` shows another patient. */
  constructor(store, { say, onError, goTo }) {
    Object.assign(this, { store, say, onError, goTo, id: null, patient: null, viewer: null });
    this.pace = new Pace(() => this.load());
    this.status = new PatientStatus({ say, onError, onSet: () => this.load() });
    this.draft();
    this.edit = new FormDialog({ submit: 'Save', fields: [...CALLED, ...MORE], onError, send: (values) => this.save(values) });
    fillKinds(this.edit.inputs.phoneKind);
    this.newTask = new FormDialog({
      submit: 'Make task', onError, send: (values) => this.makeTask(values),
      fields: [
        { name: 'queueId', label: 'Queue', tag: 'select' },
        { name: 'reason', label: 'Why to call', tag: 'textarea', rows: 3, maxlength: 600 },
        { name: 'followUp', label: 'Call first on', type: 'date', hint: 'Without a date it can be called today.' },
        { name: 'priority', label: 'Priority', tag: 'select' },
      ],
    });
    this.newTask.inputs.priority.append(...Object.entries(PRIORITIES).map(([value, words]) => new Option(words, value)));
    this.merge = new MergeDialog({ say, onError, onMerged: (id) => (id === this.id ? this.load() : goTo(id)) });
    this.dialogs = [this.edit, this.newTask, this.merge, ...this.status.dialogs];
    store.listen((what, detail) => {
      if (!this.id) return;
      // After a merge the patient of the event is another one.
      const isOurs = ({ kind, task }) => kind === 'PATIENT_CHANGED' || task.patient.id === this.patient?.id;
      const isNews = what === 'event' && !NO_NEWS.has(detail.kind) && isOurs(detail);
      if (what === 'snapshot' || isNews) this.pace.soon();
    });
  }

  /** Make the elements, empty. */
  draft() {
    this.name = made('h1', { id: 'patient-name', tabindex: -1 });
    this.phones = made('ul', { class: 'phones', 'aria-label': 'Numbers' });
    this.caller = made('p', {});
    this.ids = made('p', { class: 'muted' });
    this.buttons = made(
      'div', { class: 'buttons' },
      (this.toTask = button('New task', () => this.openTask(), { class: 'primary' })),
      (this.toEdit = button('Edit', () => this.openEdit())),
      this.status.button,
      (this.toMerge = button('Merge …', () => this.merge.open(this.patient))),
    );
    this.toFamily = button('Who answers for the patient …', () => this.openFamily());
    this.notice = made('div', { class: 'notice wrong', role: 'alert', hidden: true });
    this.note = made('p', { role: 'status' });
    this.lists = {};
    this.sections = made(
      'div', { class: 'sections' },
      this.section('open', 'Open tasks'),
      this.section('contacts', 'Contacts', 'ol'),
      this.section('household', 'Household'),
      this.section('appointments', 'Appointments'),
      this.section('closed', 'Closed tasks'),
      this.section('merges', 'Merged into this patient'),
    );
    this.lists.household.section.append(this.toFamily);
    const top = made('div', { class: 'top' }, made('div', {}, this.name, this.phones, this.caller, this.ids, this.status.element), this.buttons);
    const back = made('a', { href: '#/patients', class: 'back', text: 'All patients' });
    this.body = made('div', { class: 'person', hidden: true }, top, this.notice, this.sections);
    this.element = made('div', { class: 'one', hidden: true }, back, this.note, this.body);
  }

  section(name, title, tag = 'ul') {
    const id = `patient-${name}`;
    const list = made(tag, { 'aria-labelledby': id });
    const empty = made('p', { class: 'muted' });
    const about = `of ${title.toLowerCase()}`;
    const more = button('Show more', () => this.showMore(name), { hidden: true, about });
    const head = made('h2', { id, text: title });
    const section = made('section', { class: `of-${name}`, 'aria-labelledby': id }, head, list, empty, more);
    this.lists[name] = { section, list, empty, more };
    return section;
  }

  begin(viewer) {
    this.viewer = viewer;
    this.status.begin(viewer);
    this.toTask.hidden = !viewer.mayCreateTasks;
    this.toEdit.hidden = !viewer.mayEditPatients;
    this.toMerge.hidden = !viewer.mayMergePatients;
    this.toFamily.hidden = !viewer.mayEditPatients;
  }

  /** Nobody is shown. */
  clear() {
    Object.assign(this, { id: null, patient: null, wanted: { contacts: PAGE, closed: PAGE } });
    this.element.hidden = true;
    this.body.hidden = true;
    write(this.name, '');
    this.phones.replaceChildren();
    write(this.caller, '');
    write(this.ids, '');
    this.status.clear();
    for (const { list } of Object.values(this.lists)) list.replaceChildren();
    this.refuse('');
    write(this.note, '');
  }

  async show(id) {
    if (this.id !== id) this.clear();
    const isNew = this.id !== id;
    this.id = id;
    this.element.hidden = false;
    if (isNew) write(this.note, 'Loading …');
    await this.load();
    if (isNew && this.id === id) this.name.focus({ preventScroll: true });
  }

  showMore(name) {
    this.wanted[name] = Math.min(this.wanted[name] + 2 * PAGE, MOST);
    this.load();
  }

  /** Read it anew: once more at the end, if something happens while it is being read. */
  async load() {
    this.isAsked = true;
    if (this.isLoading) return;
    this.isLoading = true;
    while (this.isAsked && this.id) {
      this.isAsked = false;
      await this.read(this.id);
    }
    this.isLoading = false;
  }

  async read(id) {
    this.pace.done();
    try {
      const { patient } = await graphql(PATIENT, { id, ...this.wanted }, { isKept: false });
      if (this.id !== id) return;
      if (!patient) return this.missing();
      if (patient.id !== id) this.follow(patient);
      this.patient = patient;
      this.draw();
    } catch (error) {
      if (this.id !== id) return;
      if (error instanceof SignedOut) return this.onError(error);
      write(this.note, `Not loaded. ${outside(error.message)}`);
    }
  }

  /** The patient in the address was merged into this one. */
  follow(patient) {
    this.say(`This patient was merged: you see ${outside(patient.name)}.`);
    this.id = patient.id;
    this.goTo(patient.id, { instead: true });
  }

  missing() {
    this.body.hidden = true;
    write(this.note, 'There is no such patient, or your key may not see them.');
  }

  draw() {
    const { name, phones, phone, externalIds, open, closed, contacts, appointments, merges } = this.patient;
    write(this.note, '');
    this.body.hidden = false;
    write(this.name, outside(name));
    const numbers = phones.map((phone) => numberLine(phone, (one) => this.toMark(one)));
    this.phones.replaceChildren(...(numbers.length ? numbers : [made('li', { text: outside(phone) })]));
    const { language, callerNote } = this.patient;
    write(this.caller, [outside(callerNote ?? ''), language && `Speaks ${languageName(language)}`].filter(Boolean).join(' · '));
    write(this.ids, externalIds.map(({ source, id }) => `${outside(source)}: ${outside(id)}`).join(' · '));
    this.status.draw(this.patient);
    const mayMake = this.viewer.mayCreateTasks && this.patient.contactStatus === 'OK';
    this.toTask.hidden = !mayMake;
    const teach = mayMake ? ' Make a task, and it appears in its queue.' : '';
    this.fill('open', open.nodes.map(taskLine), `Nothing to call for.${teach}`);
    drawHistory(this.lists.contacts.list, contacts.nodes, {});
    this.end('contacts', contacts, 'Nobody has called yet. Each call that is logged appears here.');
    const become = this.viewer.mayCreateTasks ? (id, status) => this.becomes(id, status) : null;
    this.fill('household', membersOf(this.patient), 'Nobody else. A household has one who answers for all.');
    this.fill('appointments', appointments.nodes.map((one) => appointmentLine(one, become)), 'None. Your booking system tells Callboard of them.');
    if (appointments.pageInfo.hasNextPage) write(this.lists.appointments.empty, 'These are the latest 20.');
    this.fill('closed', closed.nodes.map(taskLine), 'No task was closed yet.', closed);
    const undo = this.viewer.mayMergePatients ? (id) => this.undo(id) : null;
    this.fill('merges', merges.map((merge) => mergeLine(merge, undo)), '');
    this.lists.merges.section.hidden = !merges.length;
  }

  /** The button that says that a number is wrong, for who may. */
  toMark(phone) {
    if (!this.viewer.mayLogContacts && !this.viewer.mayEditPatients) return null;
    return markButton(this.patient.id, phone, { say: this.say, onError: this.onError, done: () => this.load() });
  }

  fill(name, items, ifEmpty, page = null) {
    this.lists[name].list.replaceChildren(...items);
    this.end(name, page, ifEmpty);
  }

  end(name, page, ifEmpty) {
    const { list, empty, more } = this.lists[name];
    write(empty, list.childElementCount ? '' : ifEmpty);
    more.hidden = !page?.pageInfo.hasNextPage || list.childElementCount >= MOST;
  }

  /** Say what has become of an appointment. */
  async becomes(id, status) {
    this.refuse('');
    try {
      const result = (await graphql(SET_APPOINTMENT, { id, status })).setAppointmentStatus;
      if (result.errors.length) this.refuse(outside(result.errors[0].message));
      else this.say(appointmentTold(result));
      await this.load();
    } catch (error) {
      if (error instanceof SignedOut) this.onError(error);
      else this.refuse(`Not changed. ${outside(error.message)}`);
    }
  }

  async undo(id, anyway = false) {
    this.refuse('');
    try {
      const { restored, errors } = (await graphql(UNMERGE, { id, anyway })).unmergePatients;
      if (errors.length) {
        const mayGoOn = errors[0].code === 'CHANGED_SINCE_MERGE';
        return this.refuse(outside(errors[0].message), mayGoOn && (() => this.undo(id, true)));
      }
      this.say(`${outside(restored.name)} is a patient again.`);
      this.load();
    } catch (error) {
      if (error instanceof SignedOut) this.onError(error);
      else this.refuse(`Not undone. ${outside(error.message)}`);
    }
  }

  refuse(words, goOn = null) {
    this.notice.hidden = !words;
    const told = words && made('p', { text: words });
    this.notice.replaceChildren(...[told, goOn && button('Undo anyway', goOn)].filter(Boolean));
  }

  openEdit() {
    const { id, version } = this.patient;
    const values = entered(this.patient);
    if (this.edit.about !== id) this.base = { ...values, version };
    this.edit.open(id, 'Edit the patient', values);
  }

  /** Send what was changed alone: a number that is none may stay as it came in. */
  async save(values) {
    const { base } = this;
    const input = { ...changes(values, base), patientId: this.edit.about, expectedVersion: base.version };
    const { patient, errors: told } = (await graphql(UPDATE, { input })).updatePatient;
    const errors = told.map(placed);
    // What is new is told. Who saves once more has seen it.
    const isConflict = errors.some(({ code }) => code === 'VERSION_CONFLICT');
    if (isConflict) this.base = { ...base, version: patient.version };
    if (errors.length) return errors;
    this.say(`${outside(patient.name)} was saved.`);
    this.load();
    return [];
  }

  /** Few do, so it is loaded then. */
  async openFamily() {
    try {
      const { GuarantorDialog } = await import('./guarantor-dialog.js');
      if (!this.family) {
        this.family = new GuarantorDialog({ say: this.say, onError: this.onError, onSet: () => this.load() });
        this.dialogs.push(this.family);
      }
      if (this.patient) this.family.open(this.patient);
    } catch (error) {
      this.onError(error);
    }
  }

  openTask() {
    const { id, name } = this.patient;
    const select = this.newTask.inputs.queueId;
    const chosen = this.newTask.about === id ? select.value : '';
    select.replaceChildren(...this.store.queues.map((queue) => new Option(outside(queue.name), queue.id)));
    const values = { queueId: this.store.queues[0]?.id, priority: 'NORMAL' };
    this.newTask.open(id, `New task for ${outside(name)}`, values);
    if (chosen) select.value = chosen;
  }

  /** The same form sent again, because no answer came, is the same task. */
  async makeTask({ queueId, reason, followUp, priority }) {
    const { about: patientId, attempt } = this.newTask;
    const sent = JSON.stringify([patientId, queueId, reason, followUp, priority]);
    const key = attempt?.sent === sent ? attempt.key : newKey();
    this.newTask.attempt = { sent, key };
    const input = { patientId, queueId, reason, followUp: followUp || null, priority, idempotencyKey: key };
    const { task, errors } = (await graphql(NEW_TASK, { input })).createTask;
    if (errors.length) {
      this.newTask.attempt = null;
      return errors;
    }
    this.say(`The task is in ${outside(task.queue.name)}.`);
    this.load();
    return [];
  }
}
