// Puts the page together: the session, the feed, the views, and the keys.

import { Activity } from './activity.js';
import { OtherViewer, SignedOut, actFor, graphql, signOut } from './api.js';
import { BoardView } from './board.js';
import { Claims } from './claim.js';
import { learn } from './clock.js';
import { Connection } from './connection.js';
import { ContactDialog } from './dialog.js';
import { CLOCK, FEED, VIEWER } from './documents.js';
import { Entry } from './entry.js';
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
  'Session idle': 'You were signed out because nothing was done here for a while. Sign in to continue.',
  'Key revoked or changed':
    'Your session has ended: it was signed out elsewhere, or its key was revoked or changed.',
};

const store = new Store();
const claims = new Claims(store, { onError: trouble });
const dialog = new ContactDialog(store, claims, {
  onLogged: (words, contact) => offerUndo(words, contact).catch(trouble),
  onClosed: () => !part('tasks').hidden && part('grid').focus({ preventScroll: true }),
  onError: trouble,
});
const tasks = new TasksView(store, dialog, claims, { say, onError: trouble, onLook: setTitle });
const board = new BoardView(store, { onError: trouble });
let account = null; // few look at it, so it is loaded then
let settings = null; // as the account
let patients = null; // as the account
let audit = null; // as the account
let downloads = null; // few may take any
let start = null; // for admins
let undo = null; // once something was logged
const connection = new Connection();
const entry = new Entry({ onEntered: begin });
const activity = new Activity({
  onAct: () => warned && say(''),
  onError: (error) => error instanceof SignedOut && trouble(error),
});
store.listen((what, practice) => what === 'settings' && nameThePractice(practice));
let feed = null;
let me = null; // the viewer
let warned = false; // that the session ends, unless something is done

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
  me = viewer;
  learn(viewer.practice.now);
  store.me = viewer.staff.id;
  store.restHours = viewer.practice.restHours;
  claims.begin(viewer);
  nameThePractice(viewer.practice);
  patients?.begin(viewer);
  write(part('who'), `${outside(viewer.name)}, ${viewer.role.toLowerCase()}`);
  part('next').hidden = !viewer.mayLogContacts;
  part('to-audit').hidden = !viewer.mayReadAudit;
  part('to-settings').hidden = !viewer.maySetUp && !viewer.mayImport;
  offerDownloads().catch(trouble);
  entry.hide();
  part('app').hidden = false;
  route();
  leadOn().catch(trouble); // after it, which would have it look once more
  follow({ viewer: viewer.id });
  focusView();
  activity.begin();
  board.begin(viewer);
  dialog.begin(viewer);
}

const focusView = () => part({ tasks: 'grid', board: 'ticker' }[shown()] ?? shown()).focus({ preventScroll: true });

/** The practice is called so, and its days are those of its time zone. */
function nameThePractice({ name, timeZone }) {
  setZone(timeZone);
  write(part('practice-name'), outside(name));
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
    onExpiry: (at, { isIdle }) => {
      const then = isIdle ? 'if you do nothing until then' : 'After that, sign in again to continue';
      say(`Your session ends at ${clock(at)}${isIdle ? ' ' : '. '}${then}.`, 60_000);
      warned = isIdle;
    },
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
  account?.clear();
  settings?.clear();
  start?.clear();
  me = null;
  write(part('practice-name'), '');
  patients?.suspend();
  activity.end();
  audit?.clear();
  undo?.clear();
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
  const kept = dialog.pending || patients?.pending ? ' What you typed is kept until then.' : '';
  entry.show(reason && reason + kept);
}

function leave() {
  dialog.forget();
  end('You are signed out.');
  patients?.forget();
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
  warned = false;
  for (const toast of document.querySelectorAll('.toast')) write(toast, words);
  if (words) saying = setTimeout(() => say(''), ms);
}

/** What was logged can be taken back for a while. */
async function offerUndo(words, contact) {
  say(words);
  undo ??= new (await import('./undo.js')).UndoOffer(store, { say, onError: trouble });
  if (me) undo.offer(contact, me);
}

async function showAccount() {
  account ??= new (await import('./account.js')).AccountView({ say, onError: trouble });
  await account.show();
}

async function showAudit() {
  audit ??= new (await import('./audit.js')).AuditView({ onError: trouble });
  if (me) audit.show();
}

/** "Download" beside lists and reports, for whom the role allows. */
async function offerDownloads() {
  if (!downloads && me.mayExport) {
    const { Downloads } = await import('./download.js');
    downloads = new Downloads({ say, onError: trouble });
    downloads.add('download-tasks', () => ({ table: 'tasks', filter: tasks.list.asked() }));
    downloads.add('download-queues', () => ({ table: 'queues' }));
    downloads.add('download-activity', () => ({ table: 'activity', from: today(), to: today() }));
    downloads.add('download-audit', () => ({ table: 'audit', ...audit?.filter() }));
  }
  downloads?.begin(me?.mayExport);
}

/** Lead an admin through the first steps. */
async function leadOn() {
  if (!start && me.maySetUp) {
    const { GettingStarted } = await import('./getting-started.js');
    start ??= new GettingStarted(store, { onError: trouble, onPutAway: focusView });
  }
  if (me?.maySetUp) start.begin(me, shown());
}

async function showSettings() {
  settings ??= new (await import('./settings.js')).SettingsView({ store, say, onError: trouble });
  if (me) await settings.show(me);
}

async function showPatients() {
  if (!patients) {
    const { PatientsView } = await import('./patients.js');
    patients ??= new PatientsView(store, { say, onError: trouble });
    if (me) patients.begin(me);
  }
  patients.show();
}

const VIEWS = {
  tasks: ['to-tasks'],
  board: ['to-board'],
  patients: ['to-patients'],
  audit: ['to-audit'],
  settings: ['to-settings'],
  account: ['who', 'to-account'],
};
const MAY_SEE = { audit: () => me?.mayReadAudit, settings: () => me?.maySetUp || me?.mayImport };

const shown = () => Object.keys(VIEWS).find((name) => !part(name).hidden);

function route() {
  const [, place] = location.hash.split('/');
  const name = place in VIEWS && (MAY_SEE[place]?.() ?? true) ? place : 'tasks';
  for (const [view, links] of Object.entries(VIEWS)) {
    part(view).hidden = view !== name;
    for (const link of links.map(part)) {
      if (view === name) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }
  if (name === 'board') board.show();
  else if (name === 'account') showAccount().catch(trouble);
  else if (name === 'audit') showAudit().catch(trouble);
  else if (name === 'settings') showSettings().then(setTitle, trouble);
  else if (name === 'patients') showPatients().catch(trouble);
  else tasks.grid.restore();
  start?.look(name);
  setTitle();
}

/** Say in the page's title what is shown, but name no patient: browsers keep titles. */
function setTitle() {
  const name = shown() ?? 'tasks';
  const views = { tasks: () => tasks.looksAt(), settings: () => [settings?.title, 'Settings'] };
  const view = views[name]?.() ?? [name[0].toUpperCase() + name.slice(1)];
  document.title = [...(feed ? [connection.trouble, ...view] : ['Sign in']), 'Callboard']
    .filter(Boolean)
    .join(' – ');
}

// A page from the browser's cache is as it was left: its claim is released, and its session may be over.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

addEventListener('hashchange', () => {
  if (!enterByAddress() && feed) route();
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
  if (event.target.matches('input:not([type=checkbox], [type=radio]), select, textarea')) return;
  if (event.key === '?') part('help').showModal();
  else if (part('tasks').hidden || !tasks.key(event)) return;
  event.preventDefault();
});

/** Whether the address has a link, an invitation or a refusal. Whoever is signed in is not, from here on. */
function enterByAddress() {
  if (!/^#(link=|invite=|refused$)/.test(location.hash)) return false;
  end('');
  return entry.takeFromAddress();
}

if (!enterByAddress()) begin();
