// People: invited by a link, what each may see, who is at work, and an end to it.

import { LONG_PATIENCE, TimedOut, graphql } from '../api.js';
import { now } from '../clock.js';
import { named, withoutName } from '../entry.js';
import { outside } from '../text.js';
import { count, dayAndClock } from '../words.js';
import { ROLES, Top, question, queuesField, queuesInWords, queuesOf, redraw, roleField, row, rowButton } from './access.js';
import { INVITE, PEOPLE, RENEW, RESTORE, RETIRE, UPDATE } from './documents/people.js';
import { button, ending, field, made, mayStill, sending } from './fields.js';

const ROLES_OF_PEOPLE = ['STAFF', 'SUPERVISOR', 'ADMIN'];

export class Section {
  constructor({ store, say, onError }) {
    Object.assign(this, { store, say, onError, people: [], queues: [] });
    this.open = new Map(); // rows in which something is being done, by id
    this.top = new Top('Invite somebody', () => this.invite(), say);
    this.list = made('ul', { className: 'rows' });
    this.retired = made('ul', { className: 'rows' });
    this.others = made('details', {}, made('summary', { text: 'Retired' }), this.retired);
    this.empty = made('div', { className: 'empty' },
      made('p', { text: 'Nobody has been invited yet. Invite everybody who calls patients, and a second admin.' }));
    this.element = made(
      'section',
      { ariaLabel: 'People' },
      made('h2', { text: 'People' }),
      made('p', { className: 'muted', text: 'Each person signs in with a passkey of their own. Invite them by a link.' }),
      ...(withoutName ? [made('p', { className: 'error', text: withoutName })] : []),
      ...this.top.elements,
      this.empty,
      this.list,
      this.others,
    );
  }

  async show() {
    const people = [];
    for (let after = null, goesOn = true; goesOn; ) {
      const { staff, queues } = await graphql(PEOPLE, { after });
      people.push(...staff.nodes);
      this.queues = queues;
      ({ hasNextPage: goesOn, endCursor: after } = staff.pageInfo);
    }
    this.people = people;
    this.draw();
  }

  /** Queues have changed. */
  changed() {
    this.show().catch(this.onError);
  }

  invite() {
    const cancel = button('Cancel', () => this.top.back());
    const form = made('form', {}, ...this.fields(), ...ending('Make the link', cancel));
    sending(form, async () => {
      const answer = (await graphql(INVITE, { input: values(form) })).inviteStaff;
      if (answer.errors.length) return answer.errors;
      this.top.offer();
      this.invited(answer);
      return [];
    }, this.onError);
    return form;
  }

  invited({ staff, invitation }) {
    this.learn(staff);
    this.store.tell('people');
    this.top.show({
      title: `A link for ${outside(staff.name)}`,
      value: new URL(invitation.link, named).href,
      label: 'Link',
      note: `Send it to them alone: whoever opens it becomes this person. It works once, until ${dayAndClock(invitation.expiresAt)}, and is shown only now.`,
    });
  }

  fields(person = { name: '', role: 'STAFF', queues: null, email: '' }) {
    const name = made('input', { maxLength: 200, autocomplete: 'off', value: person.name });
    const email = made('input', { type: 'email', maxLength: 254, autocomplete: 'off', value: person.email ?? '' });
    return [
      field('name', 'Name', name, 'As colleagues know them. It stands beside every call that they log.'),
      roleField(ROLES_OF_PEOPLE, person.role),
      queuesField(this.queues, person.queues),
      field('email', 'E-mail address', email, "Only needed if they sign in with your practice's own accounts."),
    ];
  }

  // ---- the list

  learn(person) {
    this.people = [...this.people.filter(({ id }) => id !== person.id), person];
    this.draw();
  }

  draw() {
    const people = [...this.people].sort((a, b) => a.name.localeCompare(b.name));
    const [gone, here] = [true, false].map((is) => people.filter(({ state }) => (state === 'RETIRED') === is));
    this.empty.hidden = here.length > 0;
    redraw(this.list, here.map((person) => this.open.get(person.id) ?? this.row(person)));
    redraw(this.retired, gone.map((person) => this.rowOfRetired(person)));
    this.others.hidden = !gone.length;
  }

  row(person) {
    const what = outside(person.name);
    const item = row(
      what,
      [`${ROLES[person.role][0]}, ${queuesInWords(person.queues)}`, standing(person)],
      rowButton('Change', what, () => this.change(person, item)),
      rowButton(['New link', 'New link for'], what, () => this.link(RENEW, person)),
      rowButton('Retire', what, () => this.askToRetire(person, item)),
    );
    item.dataset.id = person.id;
    return item;
  }

  rowOfRetired(person) {
    const what = outside(person.name);
    return row(what, [`${ROLES[person.role][0]}, ${queuesInWords(person.queues)}`],
      rowButton('Bring back', what, () => this.link(RESTORE, person)));
  }

  change(person, item) {
    const form = made('form', {}, ...this.fields(person), ...ending('Save', button('Cancel', () => this.leave(person))));
    form.setAttribute('aria-label', `Change ${outside(person.name)}`);
    const before = values(form);
    sending(form, async () => {
      const changed = Object.entries(values(form)).filter(([name, value]) => String(value) !== String(before[name]));
      // What was not changed is not sent: it may be another by now, or name an archived queue.
      const input = { id: person.id, ...Object.fromEntries(changed) };
      const { staff, errors } = (await graphql(UPDATE, { input })).updateStaff;
      if (errors.length) return errors;
      this.learn(staff);
      this.leave(staff);
      const isOther = staff.role !== person.role || queuesInWords(staff.queues) !== queuesInWords(person.queues);
      this.say(isOther ? 'Saved. They sign in again, and may do this from now on.' : 'Saved.');
      return [];
    }, this.onError);
    item.replaceChildren(form);
    this.open.set(person.id, item);
    form.elements.name.focus();
  }

  askToRetire(person, item) {
    const back = person.assigned ? ` ${count(person.assigned, 'task')} of theirs ${person.assigned === 1 ? 'goes' : 'go'} back to everybody.` : '';
    const asked = question(
      `${outside(person.name)} is signed out everywhere at once, and may do nothing any more.${back} What they did keeps their name.`,
      'Retire',
      { yes: () => this.retire(person), no: () => this.leave(person) },
    );
    item.replaceWith(asked);
    this.open.set(person.id, asked);
    asked.querySelector('button').focus();
  }

  /** Show a person's row again, and put the focus there. */
  leave({ id }) {
    this.open.delete(id);
    this.draw();
    const item = this.list.querySelector(`[data-id="${CSS.escape(id)}"]`);
    if (item) item.querySelector('button').focus();
    else this.top.focus();
  }

  /** Make a link for somebody, by one of the mutations that do. */
  async link(mutation, person) {
    try {
      const [{ staff, invitation, errors }] = Object.values(await graphql(mutation, { id: person.id }));
      if (!errors.length) return this.invited({ staff, invitation });
      this.say(outside(errors[0].message));
      this.leave(person);
    } catch (error) {
      this.onError(error);
    }
  }

  async retire(person) {
    try {
      const { staff, errors } = (await graphql(RETIRE, { id: person.id }, { patience: LONG_PATIENCE })).retireStaff;
      if (staff) this.learn(staff);
      this.leave(person);
      this.say(errors.length ? outside(errors[0].message) : `${outside(staff.name)} is retired.`);
    } catch (error) {
      if (!(error instanceof TimedOut)) return this.onError(error);
      this.leave(person);
      this.say(mayStill(error, `retiring ${outside(person.name)}`));
      this.show().catch(this.onError);
    }
  }
}

function values(form) {
  const { name, role, email } = form.elements;
  return { name: name.value, role: role.value, queueIds: queuesOf(form), email: email.value || null };
}

/** How things stand with somebody, in a few words. */
function standing({ state, invitedUntil, signedInAt, claimed, assigned }) {
  const given = assigned ? [`${count(assigned, 'task')} given to them`] : [];
  if (claimed) return [`At work now, with ${count(claimed, 'task')}`, ...given].join(' · ');
  if (signedInAt) return [`Last signed in ${dayAndClock(signedInAt)}`, ...given].join(' · ');
  if (state === 'ACTIVE') return 'Has a passkey, and has not signed in since';
  if (!invitedUntil) return 'Was invited, and has no passkey';
  const isOver = Date.parse(invitedUntil) < now();
  return isOver ? 'Invited; the link has ended' : `Invited; the link ends ${dayAndClock(invitedUntil)}`;
}
