// Puts the page together: what there is on it, the session, the views, and the keys.

import { BoardView } from './board.js';
import { Claims } from './claim.js';
import { Connection } from './connection.js';
import { ContactDialog } from './dialog.js';
import { listenToKeys, offerThemes } from './keys.js';
import { Session } from './session.js';
import { Store } from './store.js';
import { TasksView } from './tasks.js';
import { say } from './toast.js';
import { Views } from './views.js';
import { today } from './words.js';

const part = (id) => document.getElementById(id);
const onError = (error) => session.trouble(error);

const store = new Store();
const claims = new Claims(store, { onError });
const dialog = new ContactDialog(store, claims, {
  onLogged: (words, contacts) => {
    say(words);
    if (contacts.length) views.offerUndo(contacts).catch(onError);
  },
  onClosed: () => !part('tasks').hidden && part('grid').focus({ preventScroll: true }),
  onError,
});
const tasks = new TasksView(store, dialog, claims, { say, onError, onLook: () => views.setTitle() });
const board = new BoardView(store, { onError });
const connection = new Connection();
const views = new Views({ store, tasks, board, connection, onError });
const session = new Session({ store, claims, dialog, tasks, board, connection, views });

let day;
setInterval(() => {
  if (!session.isOn || day === today()) return;
  if (day) {
    tasks.newDay();
    board.show();
  }
  day = today();
}, 1000);

// A page from the browser's cache is as it was left: its claim is released, and its session may be over.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

addEventListener('hashchange', () => {
  if (!session.enterByAddress() && session.isOn) views.route();
});

listenToKeys(session, tasks);
offerThemes();
if (!session.enterByAddress()) session.begin();
