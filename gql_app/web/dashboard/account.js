// One's own account: when one signed in last, where one is signed in, and one's passkeys. Loaded when it is
// looked at first.

import { graphql } from './api.js';
import { ACCOUNT, END_SESSION, REMOVE_PASSKEY } from './documents.js';
import { canUsePasskeys } from './entry.js';
import * as passkeys from './passkeys.js';
import { outside, refill, write } from './text.js';
import { dayAndClock } from './words.js';

const part = (id) => document.getElementById(id);

export class AccountView {
  /** `say(words)`; `onError(error)`. */
  constructor({ say, onError }) {
    Object.assign(this, { say, onError });
    part('add-passkey').addEventListener('click', () => this.add());
  }

  async show() {
    try {
      const { viewer } = await graphql(ACCOUNT);
      this.draw(viewer);
    } catch (error) {
      this.onError(error);
    }
  }

  clear() {
    for (const id of ['sessions', 'passkeys']) refill(part(id), [], () => []);
    write(part('last-sign-in'), '');
  }

  draw({ name, lastSignIn, sessions, passkeys: own }) {
    const last = lastSignIn ? `Your last sign-in before this one was ${moment(lastSignIn)}.` : 'This is your first sign-in.';
    write(part('last-sign-in'), `You are signed in as ${outside(name)}. ${last}`);
    refill(part('sessions'), sessions, (session) =>
      item(
        outside(session.device ?? 'A device'),
        session.current
          ? `This session, begun ${moment(session.startedAt)}`
          : `Begun ${moment(session.startedAt)}, last used ${moment(session.lastUsedAt)}`,
        session.current ? null : this.button('End', `the session on ${outside(session.device ?? 'a device')}`, () => this.end(session.id)),
      ),
    );
    part('own-passkeys').hidden = own === null;
    part('add-passkey').hidden = !canUsePasskeys;
    part('no-passkeys').hidden = own?.length !== 0;
    refill(part('passkeys'), own ?? [], ({ id, device, createdAt, lastUsedAt }) =>
      item(
        `Made with ${outside(device)}`,
        `Added ${moment(createdAt)}${lastUsedAt ? `, last used ${moment(lastUsedAt)}` : ', not used since'}`,
        this.button('Remove', `the passkey made with ${outside(device)}`, () => this.remove(id)),
      ),
    );
  }

  button(words, what, act) {
    const button = document.createElement('button');
    write(button, words);
    button.setAttribute('aria-label', `${words} ${what}`);
    button.addEventListener('click', act);
    return button;
  }

  end(id) {
    return this.change(END_SESSION, id, 'The session has ended.');
  }

  remove(id) {
    return this.change(REMOVE_PASSKEY, id, 'The passkey was removed.');
  }

  async change(mutation, id, done) {
    try {
      const [{ errors }] = Object.values(await graphql(mutation, { id }));
      this.say(errors.length ? outside(errors[0].message) : done);
      await this.show();
    } catch (error) {
      this.onError(error);
    }
  }

  async add() {
    const proof = { add: true };
    part('add-passkey').disabled = true;
    try {
      const isMade = await passkeys.make(proof, await passkeys.begin(proof));
      this.say(isMade ? 'The passkey was added.' : 'No passkey was made.');
      await this.show();
    } catch (error) {
      this.onError(error);
    } finally {
      part('add-passkey').disabled = false;
    }
  }
}

/** "at 9:12 AM", or "on Mon, Nov 23, 9:12 AM" if that was not today. */
function moment(at) {
  const told = dayAndClock(at);
  return told.includes(',') ? `on ${told}` : `at ${told}`;
}

function item(title, note, button) {
  const li = document.createElement('li');
  const text = document.createElement('div');
  for (const [tag, words] of [['strong', title], ['small', note]]) {
    const element = document.createElement(tag);
    write(element, words);
    text.append(element);
  }
  li.append(text, ...(button ? [button] : []));
  return [li];
}
