// What comes before the dashboard: signing in with a passkey, a key or a link, and accepting an invitation.

import { SignedOut, request, signIn } from './api.js';
import { outside, write } from './text.js';

const passkeys = () => import('./passkeys.js');
const part = (id) => document.getElementById(id);

/** Whether passkeys can be used here at all. Browsers make none for a page whose host has a number and no name. */
const isNumber = /^\[|^\d+(\.\d+){3}$/.test(location.hostname);
export const canUsePasskeys = !isNumber && Boolean(globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON);

/** This server's address, by a name where there is one: this machine is called so everywhere. */
export const named = location.origin.replace(/\/\/(127(\.\d+){3}|\[::1\])(?=:|$)/, '//localhost');
/** What is to be done where no browser makes a passkey; empty elsewhere. */
export const withoutName = isNumber
  ? `Browsers make no passkeys at a number such as ${location.hostname}: open Callboard at ${named === location.origin ? 'the name of the server, by https' : named}.`
  : '';

const WRONG = {
  key: 'This key is not valid. It may be mistyped, expired or revoked.',
  link: 'This link has been used already, or is not valid. Sign in with a key.',
  passkey: 'This passkey is not valid here. It may have been removed.',
  invite: 'This invitation has been used already, or is more than seven days old. Ask for another one.',
  provider: "Your practice's account was not accepted here. Ask the person who invited you.",
};
const PRACTICE = 'callboard.practice'; // whose people sign in here by their practice's account: its short name

export class Entry {
  /** `onEntered()`: somebody has signed in. */
  constructor({ onEntered }) {
    this.onEntered = onEntered;
    const slug = localStorage.getItem(PRACTICE);
    part('with-passkey').hidden = !canUsePasskeys;
    part('with-provider').hidden = !slug;
    part('with-provider').href = `/oidc/begin/${encodeURIComponent(slug)}`;
    part('or-key').hidden = !canUsePasskeys && !slug;
    part('sign-in-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const key = part('key').value.trim();
      if (key) this.enter('key', () => signIn({ key }));
      else this.complain('Enter your key.');
    });
    part('with-passkey').addEventListener('click', () => this.enter('passkey', async () => (await passkeys()).use()));
    part('make-passkey').addEventListener('click', () => this.accept(() => this.make()));
    part('take-account').addEventListener('click', () => this.accept(() => this.goToProvider()));
  }

  show(reason) {
    this.hide();
    part('sign-in').hidden = false;
    document.title = 'Sign in – Callboard';
    this.complain(reason);
    (canUsePasskeys ? part('with-passkey') : part('key')).focus();
  }

  hide() {
    part('sign-in').hidden = part('invite').hidden = true;
  }

  /** A link or an invitation in the page's address carries its token behind the #, where no server or log
   *  sees it. Whether there is one, or a refusal of the provider; it is taken out of the address. */
  takeFromAddress() {
    const [, name, token] = /^#(link|invite|refused)(?:=(.*))?$/.exec(location.hash) ?? [];
    if (!name) return false;
    history.replaceState(null, '', location.pathname + location.search);
    if (name === 'refused') this.show(WRONG.provider);
    else if (name === 'link') this.enter('link', () => signIn({ link: token }));
    else this.welcome(token);
    return true;
  }

  /** `prove()` signs in; it is false if the person has changed their mind. */
  async enter(how, prove) {
    this.complain('');
    part('enter').disabled = part('with-passkey').disabled = true;
    try {
      if ((await prove()) === false) return this.show('');
      part('key').value = '';
      await this.onEntered();
    } catch (error) {
      this.show(error instanceof SignedOut ? WRONG[how] : outside(error.message));
    } finally {
      part('enter').disabled = part('with-passkey').disabled = false;
    }
  }

  async welcome(invite) {
    this.invite = invite;
    try {
      const { begin } = await passkeys();
      const { name, practice, provider } = await begin({ invite });
      if (!canUsePasskeys && !provider) throw new Error(withoutName || 'Passkeys cannot be used here. Open this link by https, in a browser that has them.');
      this.provider = provider;
      this.hide();
      part('make-passkey').hidden = part('invite-passkey').hidden = !canUsePasskeys;
      part('take-account').hidden = !provider;
      write(part('take-account'), provider ? `Use your account at ${outside(provider.host)}` : '');
      write(part('invite-who'), `${outside(practice)} invites you, ${outside(name)}, to its call lists.`);
      write(part('invite-error'), '');
      part('invite').hidden = false;
      document.title = 'Invitation – Callboard';
      (canUsePasskeys ? part('make-passkey') : part('take-account')).focus();
    } catch (error) {
      this.show(error instanceof SignedOut ? WRONG.invite : outside(error.message));
    }
  }

  async accept(act) {
    write(part('invite-error'), '');
    part('make-passkey').disabled = part('take-account').disabled = true;
    try {
      await act();
    } catch (error) {
      write(part('invite-error'), error instanceof SignedOut ? WRONG.invite : outside(error.message));
    } finally {
      part('make-passkey').disabled = part('take-account').disabled = false;
    }
  }

  async make() {
    const { invite } = this;
    // Asked for again: the first answer is good for five minutes only.
    const { begin, make } = await passkeys();
    if (!(await make({ invite }, await begin({ invite })))) {
      return write(part('invite-error'), 'No passkey was made. You can try again.');
    }
    this.invite = null;
    await this.onEntered();
  }

  async goToProvider() {
    const { slug } = this.provider;
    const { location: where } = await request(`oidc/begin/${encodeURIComponent(slug)}`, { invite: this.invite });
    localStorage.setItem(PRACTICE, slug);
    location.assign(where);
  }

  complain(words) {
    write(part('sign-in-error'), words);
    part('key').setAttribute('aria-invalid', words !== '');
  }
}
