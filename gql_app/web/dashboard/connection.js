// What the page says of the connection: its state, the age of the last word from the server, and, when it
// is lost, how old that is what is shown.

import { age, clock } from './words.js';

const WORDS = { connecting: 'Connecting', live: 'Live', failed: 'Stopped', lost: 'Connection lost' };
const part = (id) => document.getElementById(id);

export class Connection {
  constructor() {
    this.begin(null);
    setInterval(() => this.tell(), 1000);
    part('retry').addEventListener('click', () => this.feed?.retryAfter(0));
  }

  /** Tell of another feed from here on; of none with null. */
  begin(feed) {
    Object.assign(this, { feed, lostAt: null, state: { name: 'connecting' } });
  }

  /** The feed is in another state. Whether it is live again after it was lost. */
  changed(state) {
    this.state = state;
    if (state.name === 'lost') this.lostAt ??= this.feed.lastWord || Date.now();
    const isBack = state.name === 'live' && this.lostAt !== null;
    if (isBack) this.lostAt = null;
    this.tell();
    return isBack;
  }

  tell() {
    const { feed, state, lostAt } = this;
    if (!feed) return;
    // While it tries again it is still lost.
    const name = lostAt !== null && state.name === 'connecting' ? 'lost' : state.name;
    document.documentElement.dataset.connection = name;
    const since = feed.lastWord ? `last word ${age(Date.now() - feed.lastWord)} ago` : '';
    for (const where of ['', 'board-']) {
      part(`${where}state`).textContent = WORDS[name];
      part(`${where}age`).textContent = since;
    }
    part('lost').hidden = name !== 'lost' && name !== 'failed';
    if (name === 'lost') {
      const left = state.name === 'lost' ? Math.ceil((state.retryAt - Date.now()) / 1000) : 0;
      part('lost-since').textContent = `Connection lost. What you see is as of ${clock(lostAt)}.`;
      part('retry-in').textContent = left > 0 ? `Trying again in ${left} s` : 'Trying now';
    } else if (name === 'failed') {
      part('lost-since').textContent = `The server does not take this page (${state.reason}). Reload it.`;
      part('retry-in').textContent = '';
    }
  }
}
