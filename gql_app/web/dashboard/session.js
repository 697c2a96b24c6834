// The session at this page: its beginning, the feed that it follows, its end.

import { Activity } from './activity.js';
import { OtherViewer, SignedOut, actFor, graphql, signOut } from './api.js';
import { learn } from './clock.js';
import { CLOCK, FEED, VIEWER } from './documents.js';
import { Entry } from './entry.js';
import { Feed } from './feed.js';
import { outside, write } from './text.js';
import { announce, say, warn, withdrawWarning } from './toast.js';
import { clock, setZone } from './words.js';

const part = (id) => document.getElementById(id);

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
    store.listen((what, practice) => what === 'settings' && nameThePractice(practice));
    part('sign-out').addEventListener('click', () => this.signOut());
  }

  get isOn() {
    return this.feed !== null;
  }

  async begin() {
    clearTimeout(this.again);
    let viewer;
    try {
      ({ viewer } = await graphql(VIEWER));
    } catch (error) {
      if (error instanceof SignedOut) return this.showSignIn('');
      this.again = setTimeout(() => this.begin(), 2000 + 3000 * Math.random());
      return this.showSignIn(outside(error.message));
    }
    this.beginAs(viewer);
  }

  beginAs(viewer) {
    actFor(viewer.id);
    learn(viewer.practice.now);
    this.store.me = viewer.staff.id;
    this.claims.begin(viewer);
    nameThePractice(viewer.practice);
    write(part('who'), `${outside(viewer.name)}, ${viewer.role.toLowerCase()}`);
    part('next').hidden = !viewer.mayLogContacts;
    this.views.begin(viewer);
    this.entry.hide();
    part('app').hidden = false;
    this.views.route();
    this.views.leadOn(); // after it, which would have it look once more
    this.follow({ viewer: viewer.id });
    this.views.focus();
    this.activity.begin();
    this.board.begin(viewer);
    this.dialog.begin(viewer);
  }

  follow(init) {
    const url = new URL('graphql', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    url.hash = '';
    this.feed = new Feed({
      url: url.href,
      query: FEED,
      field: 'queueFeed',
      init,
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
    if (state.name === 'ended') return this.end(ENDINGS[state.reason] ?? ENDED);
    if (this.connection.changed(state)) {
      lookAtClock();
      this.tasks.resume();
      this.board.ask();
    }
    this.views.setTitle();
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
    write(part('practice-name'), '');
    this.activity.end();
    part('help').close();
    say('');
    this.showSignIn(reason);
  }

  trouble(error) {
    if (error instanceof SignedOut) this.end(error instanceof OtherViewer ? OTHER : ENDED);
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

/** The practice is called so, and its days are those of its time zone. */
function nameThePractice({ name, timeZone }) {
  setZone(timeZone);
  write(part('practice-name'), outside(name));
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
