// What the page says about the connection: its state, when the server last sent something, and, when it
// is lost, how old the page is.

import { now } from './clock.js';
import { outside, write } from './text.js';
import { age, clock } from './words.js';

/** What its states are called. */
export const WORDS = { connecting: 'Connecting', live: 'Live', failed: 'Stopped', lost: 'Connection lost' };
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
    if (state.name === 'lost') this.lostAt ??= this.feed.updatedAt ?? performance.now();
    const isBack = state.name === 'live' && this.lostAt !== null;
    if (isBack) this.lostAt = null;
    this.tell();
    return isBack;
  }

  /** While it tries again it is still lost. */
  get name() {
    return this.lostAt !== null && this.state.name === 'connecting' ? 'lost' : this.state.name;
  }

  /** What is wrong with it, for the page's title; null if nothing is. */
  get trouble() {
    return ['lost', 'failed'].includes(this.name) ? WORDS[this.name] : null;
  }

  tell() {
    const { feed, state, lostAt, name } = this;
    if (!feed) return;
    document.documentElement.dataset.connection = name;
    const told = feed.updatedAt;
    const since = told === null ? '' : `updated ${age(performance.now() - told)} ago`;
    for (const where of ['', 'board-']) {
      write(part(`${where}state`), WORDS[name]);
      write(part(`${where}age`), since);
    }
    part('lost').hidden = name !== 'lost' && name !== 'failed';
    if (name === 'lost') {
      const left = state.name === 'lost' ? Math.ceil((state.retryAt - performance.now()) / 1000) : 0;
      write(part('lost-since'), `Connection lost. What you see is as of ${clock(now(lostAt))}.`);
      write(part('retry-in'), left > 0 ? `Trying again in ${left} s` : 'Trying now');
    } else if (name === 'failed') {
      const reason = outside(state.reason);
      write(part('lost-since'), `The server does not accept this page (${reason}). Reload it.`);
      write(part('retry-in'), '');
    }
  }
}
