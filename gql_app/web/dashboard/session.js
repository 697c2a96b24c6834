// The session at this page: its beginning, the feed that it follows, its end.

import { Activity } from './activity.js';
import { OtherViewer, SignedOut, actFor, graphql, signOut, socketAddress } from './api.js';
import { learn } from './clock.js';
import { CLOCK, FEED, SELF } from './documents.js';
import { Entry } from './entry.js';
import { Feed } from './feed.js';
import { outside, write } from './text.js';
import { announce, say, warn, withdrawWarning } from './toast.js';
import { arrive } from './visit.js';
import { clock } from './words.js';

const part = (id) => document.getElementById(id);
const AGAIN = 3_000; // ms

const ENDED = 'Your session has ended. Sign in to continue.';
const OTHER =
  'Somebody else has signed in to Callboard in another tab of this browser. Sign in to continue as yourself.';
const ENDINGS = {
  'Viewer changed': OTHER,
  'Key expired': 'Your session, or its key, has expired. Sign in to continue.',
  'Session idle': 'You were signed out because nothing was done here for a while. Sign in to continue.',
  'Key revoked or changed':
    'Your session has ended: it was signed out elsewhere, or its key was revoked or changed.',
};

export class Session {
  /** What it begins and ends: the store, the claims, the dialog, the tasks, the board, the connection, and
   *  the views. */
  constructor({ store, claims, dialog, tasks, board, connection, views }) {
    Object.assign(this, { store, claims, dialog, tasks, board, connection, views });
    this.feed = null;
    this.entry = new Entry({ onEntered: () => this.begin() });
    this.activity = new Activity({
      onAct: withdrawWarning,
      onError: (error) => error instanceof SignedOut && this.trouble(error),
    });
    store.listen((what, practice) => what === 'settings' && views.call(practice));
    part('sign-out').addEventListener('click', () => this.signOut());
  }

  get isOn() {
    return this.feed !== null;
  }

  async begin() {
    clearTimeout(this.again);
    let found;
    try {
      found = await arrive();
    } catch (error) {
      if (error instanceof SignedOut) return this.showSignIn('');
      this.again = setTimeout(() => this.begin(), 2000 + 3000 * Math.random());
      return this.showSignIn(outside(error.message));
    }
    this.beginAs(found);
  }

  beginAs({ viewer, as, home }) {
    Object.assign(this, { as, home });
    actFor(as);
    learn(viewer.practice.now);
    this.store.me = viewer.staff.id;
    this.store.restHours = viewer.practice.restHours;
    this.claims.begin(viewer);
    write(part('who'), `${outside(viewer.name)}, ${viewer.role.toLowerCase()}`);
    part('next').hidden = !viewer.mayLogContacts;
    this.views.begin(viewer, { as, home });
    this.entry.hide();
    part('app').hidden = false;
    this.views.route();
    this.views.leadOn(); // after it, which would have it look once more
    this.follow();
    this.views.focus();
    this.activity.begin();
    this.board.begin(viewer);
    this.dialog.begin(viewer, home.viewer);
  }

  follow() {
    this.feed = new Feed({
      url: socketAddress(),
      query: FEED,
      field: 'queueFeed',
      init: this.as,
      onMessage: (message) => {
        this.store.take(message);
        this.claims.tick(); // a hidden tab is woken by messages more often than by its timers
      },
      onState: (state) => this.changed(state),
      onExpiry: (at, { isIdle }) => {
        const ends = `Your session ends at ${clock(at)}`;
        if (isIdle) warn(`${ends} if you do nothing until then.`);
        else announce(`${ends}. After that, sign in again to continue.`);
      },
    });
    this.connection.begin(this.feed);
    this.feed.start();
  }

  /** The feed is in another state. */
  changed(state) {
    if (state.name === 'ended') return this.lose(ENDINGS[state.reason] ?? ENDED);
    if (this.connection.changed(state)) {
      lookAtClock();
      this.tasks.resume();
      this.board.ask();
    }
    this.views.setTitle();
  }

  /** The server takes this page's viewer no more. If they were on a visit it may be over alone, with their session
   *  at home going on: the page begins anew then, and says so. */
  lose(reason) {
    if (!this.isOn) return;
    const isVisit = this.as.practice !== null;
    this.end(isVisit ? '' : reason);
    if (isVisit) this.lookHome(reason);
  }

  async lookHome(reason) {
    clearTimeout(this.again);
    try {
      await graphql(SELF, {}, { as: this.home });
      location.reload();
    } catch (error) {
      if (error instanceof SignedOut) return this.showSignIn(error instanceof OtherViewer ? OTHER : reason);
      this.again = setTimeout(() => this.lookHome(reason), AGAIN);
    }
  }

  /** The session is over: nothing of it stays on the screen. */
  end(reason) {
    if (!this.isOn) return;
    this.feed.stop();
    this.connection.begin(null);
    this.feed = null;
    actFor(null);
    this.claims.suspend();
    this.dialog.suspend();
    this.store.clear();
    this.tasks.clear();
    this.board.viewer = null;
    this.board.clear();
    this.views.clear();
    write(part('who'), '');
    this.activity.end();
    part('help').close();
    say('');
    this.showSignIn(reason);
  }

  trouble(error) {
    if (error instanceof SignedOut) this.lose(error instanceof OtherViewer ? OTHER : ENDED);
    else say(outside(error.message));
  }

  showSignIn(reason) {
    part('app').hidden = true;
    const kept = this.dialog.pending || this.views.pending ? ' What you typed is kept until then.' : '';
    this.entry.show(reason && reason + kept);
  }

  async signOut() {
    try {
      await signOut();
      this.leave();
    } catch (error) {
      if (error instanceof OtherViewer) this.trouble(error);
      else if (error instanceof SignedOut) this.leave();
      else say(`You are still signed in. ${outside(error.message)}`);
    }
  }

  leave() {
    this.dialog.forget();
    this.end('You are signed out.');
    this.views.forget();
  }

  /** Whether the address has a link, an invitation or a refusal. Whoever is signed in is not, from here on. */
  enterByAddress() {
    if (!/^#(link=|invite=|refused$)/.test(location.hash)) return false;
    this.end('');
    return this.entry.takeFromAddress();
  }
}

/** Ask for the time: the machine may have slept, and not have counted meanwhile. */
async function lookAtClock() {
  try {
    const { viewer } = await graphql(CLOCK);
    learn(viewer.practice.now);
  } catch {
    // The next heartbeat tells it.
  }
}
