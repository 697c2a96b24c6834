// The page's feed with a socket that says what a test gives it.
//
// It reads a list: for each subscription the messages that it is told, and `{ close: code }` where the
// socket closes. It prints the `after` of each subscription, and the names of the feed's states.
import { readFileSync } from 'node:fs';
import { Feed } from './feed.mjs';

const said = JSON.parse(readFileSync(0, 'utf8'));
const after = [];
const states = [];

globalThis.setTimeout = (act) => queueMicrotask(act); // no pause takes any time
globalThis.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  constructor() {
    queueMicrotask(() => this.onopen());
  }
  send(text) {
    const { type, id, payload } = JSON.parse(text);
    if (type === 'connection_init') return this.say({ type: 'connection_ack' });
    if (type !== 'subscribe') return;
    after.push(payload.variables.after);
    const next = said.shift();
    if (!next) return feed.stop();
    for (const message of next) {
      if (message.close) queueMicrotask(() => this.onclose({ code: message.close, reason: '' }));
      else this.say({ ...message, id });
    }
  }
  say(message) {
    queueMicrotask(() => this.onmessage({ data: JSON.stringify(message) }));
  }
  close() {}
};

const feed = new Feed({
  url: 'ws://callboard.test/graphql',
  query: 'subscription',
  field: 'queueFeed',
  onMessage() {},
  onState: ({ name }) => states.push(name),
});
feed.start();
process.on('exit', () => console.log(JSON.stringify({ after, states })));
