// Keys, for programs: made and shown once, rotated, and revoked.

import { graphql } from '../api.js';
import { outside } from '../text.js';
import { dayAndClock } from '../words.js';
import { ROLES, Top, question, queuesField, queuesInWords, queuesOf, redraw, roleField, row, rowButton } from './access.js';
import { CREATE_KEY, KEYS, REVOKE_KEY, ROTATE_KEY } from './documents/keys.js';
import { button, ending, field, made, sending } from './fields.js';

export class Section {
  constructor({ say, onError }) {
    Object.assign(this, { say, onError, keys: [], queues: [], next: null });
    this.open = new Map(); // rows in which something is being done, by id
    this.top = new Top('Make a key', () => this.make(), say);
    this.list = made('ul', { className: 'rows' });
    this.ended = made('ul', { className: 'rows' });
    this.others = made('details', {}, made('summary', { text: 'Ended' }), this.ended);
    this.more = button('Show more', () => this.load().catch(this.onError));
    this.empty = made('div', { className: 'empty' },
      made('p', { text: 'There is no key. A program needs one, such as what brings tasks in from your practice software.' }));
    this.element = made(
      'section',
      { ariaLabel: 'Keys' },
      made('h2', { text: 'Keys' }),
      made('p', { className: 'muted', text: 'A key lets a program in. Give each program its own, so that you can end one without the others.' }),
      ...this.top.elements,
      this.empty,
      this.list,
      this.others,
      this.more,
    );
  }

  async show() {
    Object.assign(this, { keys: [], next: null });
    await this.load();
  }

  /** Queues have changed. */
  changed() {
    this.show().catch(this.onError);
  }

  /** Read the first keys, or those that follow. */
  async load() {
    const { keys, queues } = await graphql(KEYS, { after: this.next });
    this.queues = queues;
    this.next = keys.pageInfo.endCursor;
    this.more.hidden = !keys.pageInfo.hasNextPage;
    this.learn(...keys.nodes);
  }

  make() {
    const partner = field('mayCreateTasks', 'May create tasks', made('input', { type: 'checkbox' }));
    const day = made('input', { type: 'date' });
    const name = made('input', { maxLength: 200, autocomplete: 'off' });
    const form = made(
      'form',
      {},
      field('name', 'Name', name, 'Which program it is for. It stands beside all that is done with the key.'),
      roleField(Object.keys(ROLES), 'PARTNER', (role) => (partner.hidden = role !== 'PARTNER')),
      partner,
      queuesField(this.queues),
      field('expiresAt', 'Last day', day, 'Leave it empty for a key without an end.'),
      ...ending('Make the key', button('Cancel', () => this.top.back())),
    );
    sending(form, async () => {
      const answer = (await graphql(CREATE_KEY, { input: values(form) })).createKey;
      if (answer.errors.length) return answer.errors;
      this.top.offer();
      this.isMade(answer);
      return [];
    }, this.onError);
    return form;
  }

  isMade({ key, secret }) {
    this.learn(key);
    this.top.show({
      title: `The key for ${outside(key.name)}`,
      value: secret,
      label: 'New key',
      note: 'Copy it now: it is shown only once, and kept nowhere.',
    });
  }

  // ---- the list

  learn(...keys) {
    const others = this.keys.filter(({ id }) => !keys.some((key) => key.id === id));
    this.keys = [...others, ...keys].sort((a, b) => b.number - a.number);
    this.draw();
  }

  draw() {
    const [valid, ended] = [true, false].map((is) => this.keys.filter(({ state }) => (state === 'VALID') === is));
    this.empty.hidden = valid.length > 0;
    redraw(this.list, valid.map((key) => this.open.get(key.id) ?? this.row(key)));
    this.ended.replaceChildren(...ended.map((key) => row(outside(key.name), [rights(key), how(key)])));
    this.others.hidden = !ended.length;
  }

  row(key) {
    const what = `key ${key.number}, ${outside(key.name)}`;
    const item = row(
      outside(key.name),
      [rights(key), how(key)],
      rowButton('Rotate', what, () => this.rotate(key, item)),
      rowButton('Revoke', what, () => this.askToRevoke(key, item)),
    );
    item.dataset.id = key.id;
    return item;
  }

  rotate(key, item) {
    const days = made('input', { type: 'number', min: 0, max: 366, value: 7, size: 6 });
    const form = made(
      'form',
      {},
      field('overlapDays', 'Days until the old key ends', days, 'Both are valid until then, so that nothing stands still. 0 ends the old one at once.'),
      ...ending('Make another key', button('Cancel', () => this.leave(key))),
    );
    form.setAttribute('aria-label', `Rotate ${outside(key.name)}`);
    sending(form, async () => {
      const number = Number(days.value);
      if (days.value === '' || !Number.isInteger(number) || number < 0 || number > 366) {
        return [{ field: ['overlapDays'], message: 'Give a number of days from 0 to 366.' }];
      }
      const answer = (await graphql(ROTATE_KEY, { id: key.id, days: number })).rotateKey;
      if (answer.errors.length) return answer.errors;
      this.open.delete(key.id);
      await this.show(); // the old one has an end now
      this.isMade(answer);
      return [];
    }, this.onError);
    item.replaceChildren(form);
    this.open.set(key.id, item);
    days.focus();
  }

  askToRevoke(key, item) {
    const asked = question(
      `Whatever uses ${outside(key.name)}'s key ${key.number} is shut out at once. This cannot be undone.`,
      'Revoke',
      { yes: () => this.revoke(key), no: () => this.leave(key) },
    );
    item.replaceWith(asked);
    this.open.set(key.id, asked);
    asked.querySelector('button').focus();
  }

  async revoke({ id }) {
    try {
      const { key, errors } = (await graphql(REVOKE_KEY, { id })).revokeKey;
      if (key) this.learn(key);
      this.leave({ id });
      this.say(errors.length ? outside(errors[0].message) : `Key ${key.number} is revoked.`);
    } catch (error) {
      this.onError(error);
    }
  }

  /** Show a key's row again, and put the focus there. */
  leave({ id }) {
    this.open.delete(id);
    this.draw();
    const item = this.list.querySelector(`[data-id="${CSS.escape(id)}"]`);
    if (item) item.querySelector('button').focus();
    else this.top.focus();
  }
}

function values(form) {
  const { name, role, mayCreateTasks, expiresAt } = form.elements;
  const day = expiresAt.value;
  return {
    name: name.value,
    role: role.value,
    queueIds: queuesOf(form),
    mayCreateTasks: role.value === 'PARTNER' && mayCreateTasks.checked,
    expiresAt: day ? new Date(`${day}T23:59:59`).toISOString() : null, // the end of the day here
  };
}

const rights = ({ role, queues, mayCreateTasks }) =>
  `${ROLES[role][0]}${role === 'PARTNER' && mayCreateTasks ? ' who may create tasks' : ''}, ${queuesInWords(queues)}`;

/** How things stand with a key, in a few words. */
function how({ number, state, expiresAt, revokedAt, lastUsedAt }) {
  const end = {
    REVOKED: () => `revoked ${dayAndClock(revokedAt)}`,
    EXPIRED: () => `ended ${dayAndClock(expiresAt)}`,
    VALID: () => (expiresAt ? `ends ${dayAndClock(expiresAt)}` : 'no end'),
  }[state]();
  const used = lastUsedAt ? `last used ${dayAndClock(lastUsedAt)}` : 'never used';
  return [`Key ${number}`, end, used].join(' · ');
}
