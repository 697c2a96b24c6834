// Puts the page together: the session, the feed, the views, and the keys.

import { OtherViewer, SignedOut, actFor, graphql, signIn, signOut } from './api.js';
import { AuditView } from './audit.js';
import { BoardView } from './board.js';
import { Claims } from './claim.js';
import { learn } from './clock.js';
import { Connection } from './connection.js';
import { ContactDialog } from './dialog.js';
import { CLOCK, FEED, VIEWER } from './documents.js';
import { Feed } from './feed.js';
import { Store } from './store.js';
import { TasksView } from './tasks.js';
import { outside, write } from './text.js';
import { clock, setZone, today } from './words.js';

const part = (id) => document.getElementById(id);
const root = document.documentElement;

const ENDED = 'Your session has ended. Sign in to continue.';
const OTHER =
  'Somebody else has signed in to Callboard in another tab of this browser. Sign in to continue as yourself.';
const ENDINGS = {
  'Viewer changed': OTHER,
  'Key expired': 'Your session, or its key, has expired. Sign in to continue.',
  'Key revoked or changed':
    'Your session has ended: it was signed out elsewhere, or its key was revoked or changed.',
};

const store = new Store();
const claims = new Claims(store, { onError: trouble });
const dialog = new ContactDialog(store, claims, {
  onLogged: (_task, words) => say(words),
  onClosed: () => !part('tasks').hidden && part('grid').focus({ preventScroll: true }),
  onError: trouble,
});
const tasks = new TasksView(store, dialog, claims, { say, onError: trouble, onLook: setTitle });
const board = new BoardView(store, { onError: trouble });
const audit = new AuditView({ onError: trouble });
const connection = new Connection();
let feed = null;

// ---- the session

let again;

async function begin() {
  clearTimeout(again);
  let viewer;
  try {
    ({ viewer } = await graphql(VIEWER));
  } catch (error) {
    if (error instanceof SignedOut) return showSignIn('');
    again = setTimeout(begin, 2000 + 3000 * Math.random());
    return showSignIn(outside(error.message));
  }
  actFor(viewer.id);
  setZone(viewer.practice.timeZone);
  learn(viewer.practice.now);
  store.me = viewer.staff.id;
  claims.begin(viewer);
  write(part('who'), `${outside(viewer.name)}, ${viewer.role.toLowerCase()}`);
  part('next').hidden = !viewer.mayLogContacts;
  audit.begin(viewer);
  part('sign-in').hidden = true;
  part('app').hidden = false;
  route();
  follow({ viewer: viewer.id });
  (part('tasks').hidden ? part('ticker') : part('grid')).focus({ preventScroll: true });
  board.begin(viewer);
  dialog.begin(viewer);
}

function follow(init) {
  const url = new URL('graphql', location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  url.hash = '';
  feed = new Feed({
    url: url.href,
    query: FEED,
    field: 'queueFeed',
    init,
    onMessage: (message) => {
      store.take(message);
      claims.tick(); // a hidden tab is woken by messages more often than by its timers
    },
    onState: (state) => {
      if (state.name === 'ended') return end(ENDINGS[state.reason] ?? ENDED);
      if (connection.changed(state)) {
        lookAtClock();
        tasks.resume();
        board.ask();
      }
      setTitle();
    },
    onExpiry: (at) => say(`Your session ends at ${clock(at)}. After that, sign in again to continue.`, 60_000),
  });
  connection.begin(feed);
  feed.start();
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

let day;
setInterval(() => {
  if (!feed || day === today()) return;
  if (day) {
    tasks.newDay();
    board.show();
  }
  day = today();
}, 1000);

/** The session is over: nothing of it stays on the screen. */
function end(reason) {
  if (!feed) return;
  feed.stop();
  connection.begin(null);
  feed = null;
  actFor(null);
  claims.suspend();
  dialog.suspend();
  store.clear();
  tasks.clear();
  board.viewer = null;
  board.clear();
  audit.clear();
  part('help').close();
  say('');
  showSignIn(reason);
}

function trouble(error) {
  if (error instanceof SignedOut) end(error instanceof OtherViewer ? OTHER : ENDED);
  else say(outside(error.message));
}

function showSignIn(reason) {
  part('app').hidden = true;
  part('sign-in').hidden = false;
  setTitle();
  const kept = dialog.pending ? ' What you typed is kept until then.' : '';
  complain(reason && reason + kept);
  part('key').focus();
}

function complain(words) {
  write(part('sign-in-error'), words);
  part('key').setAttribute('aria-invalid', words !== '');
}

async function enter(proof) {
  complain('');
  part('enter').disabled = true;
  try {
    await signIn(proof);
    part('key').value = '';
    await begin();
  } catch (error) {
    const wrong = proof.key
      ? 'This key is not valid. It may be mistyped, expired or revoked.'
      : 'This link has been used already, or is not valid. Sign in with a key.';
    showSignIn(error instanceof SignedOut ? wrong : outside(error.message));
  } finally {
    part('enter').disabled = false;
  }
}

part('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const key = part('key').value.trim();
  if (key) enter({ key });
  else complain('Enter your key.');
});

function leave() {
  dialog.forget();
  end('You are signed out.');
}

part('sign-out').addEventListener('click', async () => {
  try {
    await signOut();
    leave();
  } catch (error) {
    if (error instanceof OtherViewer) trouble(error);
    else if (error instanceof SignedOut) leave();
    else say(`You are still signed in. ${outside(error.message)}`);
  }
});

// ---- what is said, the views, the keys

let saying;

/** Each dialog has a place for it too: what is outside an open one can be neither reached nor heard. */
function say(words, ms = 8000) {
  clearTimeout(saying);
  for (const toast of document.querySelectorAll('.toast')) write(toast, words);
  if (words) saying = setTimeout(() => say(''), ms);
}

function route() {
  const asked = location.hash.slice('#/'.length);
  const name = asked === 'board' || (asked === 'audit' && audit.viewer?.mayReadAudit) ? asked : 'tasks';
  for (const view of ['tasks', 'board', 'audit']) {
    part(view).hidden = view !== name;
    const link = part(`to-${view}`);
    if (view === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (name === 'board') board.show();
  else if (name === 'audit') audit.show();
  else tasks.grid.restore();
  setTitle();
}

/** Say in the page's title what is shown, but name no patient: browsers keep titles. */
function setTitle() {
  const other = ['board', 'audit'].find((view) => !part(view).hidden);
  const view = other ? [other === 'board' ? 'Board' : 'Audit'] : tasks.looksAt();
  document.title = [...(feed ? [connection.trouble, ...view] : ['Sign in']), 'Callboard']
    .filter(Boolean)
    .join(' – ');
}

// A page from the browser's cache is as it was left: its claim is released, and its session may be over.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

addEventListener('hashchange', () => {
  if (location.hash.startsWith('#link=')) enterByLink();
  else if (feed) route();
});

part('theme').addEventListener('click', () => {
  root.dataset.theme = root.dataset.theme === 'dark' ? 'light' : 'dark';
  localStorage.setItem('callboard.theme', root.dataset.theme);
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', ({ matches }) => {
  if (!localStorage.getItem('callboard.theme')) root.dataset.theme = matches ? 'dark' : 'light';
});

part('help-button').addEventListener('click', () => part('help').showModal());
part('help-close').addEventListener('click', () => part('help').close());

document.addEventListener('keydown', (event) => {
  if (!feed || document.querySelector('dialog[open]')) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target === part('search') && ['Escape', 'Enter', 'ArrowDown'].includes(event.key)) {
    event.preventDefault();
    return part('grid').focus();
  }
  if (event.target.matches('input[type=search], input[type=password], select, textarea')) return;
  if (event.key === '?') part('help').showModal();
  else if (part('tasks').hidden || !tasks.key(event)) return;
  event.preventDefault();
});

/** The demo's one-time link carries its token behind the #, where no server or log sees it. */
async function enterByLink() {
  const link = location.hash.slice('#link='.length);
  history.replaceState(null, '', location.pathname + location.search);
  end('');
  await enter({ link });
}

if (location.hash.startsWith('#link=')) enterByLink();
else begin();
