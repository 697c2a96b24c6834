// The reference client of Callboard's live protocol: queueFeed over graphql-transport-ws.
//
// It keeps one stream alive through every lost connection. `cursor` is that of the last message that
// was handled; each new connection goes on after it, so that nothing is missed or repeated. The
// protocol is described in docs/protocol.md. Only the time that passes counts, not what the client's
// clock shows: that may be set at any moment. This file needs nothing else of the dashboard.

const QUIET = 16_000; // ms without a message (heartbeats come every 15 s), after which we ask …
const ANSWER = 2_500; // … and how long the answer may take.
const SILENT = 35_000; // ms without a message of the stream, though the socket answers.
const OPENING = 10_000; // ms until a new connection's first word.
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
const TRY_LATER_PAUSE = 5_000;

const NOT_NOW = new Set(['RATE_LIMITED', 'INTERNAL', 'UNAVAILABLE']); // says nothing of the cursor
const REJECTED = 4403;
const TRY_LATER = 1013;
const OTHER_VIEWER = 'Viewer changed'; // this browser's session is somebody else's by now
const OUR_FAULT = new Set([1002, 1007, 1008, 1009, 4400, 4401, 4406, 4409, 4429]); // would come again

export class Feed {
  /** `onMessage(message)` is given each message of the field, in order. `onState({ name, … })`:
   *  name is "connecting", "live", "lost" (with `retryAt`, by performance.now()), "ended" (with
   *  `reason`: the session is over) or "failed" (with `reason`: this client is wrong).
   *  `onExpiry(date, { isIdle })`: a minute is left, because the key expires then, or because nobody has
   *  done anything for a while. `init` is the payload of connection_init, if it has any. */
  constructor({ url, query, field, onMessage, onState, onExpiry = () => {}, init }) {
    Object.assign(this, { url, query, field, onMessage, onState, onExpiry, init });
    this.cursor = null;
    this.updatedAt = null; // when the stream last told something, by performance.now()
    this.socket = null;
    this.attempts = 0;
    this.operation = 0;
    this.rejection = null;
    this.resyncs = 0; // since the stream last told something
    this.goOnline = () => this.retry && this.retryAfter(300 * Math.random());
    this.goOffline = () => this.drop();
  }

  start() {
    this.ticking = setInterval(() => this.watch(), 1000);
    globalThis.addEventListener?.('online', this.goOnline);
    globalThis.addEventListener?.('offline', this.goOffline);
    this.connect();
  }

  stop() {
    clearInterval(this.ticking);
    clearTimeout(this.retry);
    globalThis.removeEventListener?.('online', this.goOnline);
    globalThis.removeEventListener?.('offline', this.goOffline);
    this.leave();
  }

  connect() {
    clearTimeout(this.retry);
    this.retry = null;
    this.onState({ name: 'connecting' });
    const socket = new WebSocket(this.url, 'graphql-transport-ws');
    this.socket = socket;
    this.opened = this.heard = performance.now();
    this.hasSpoken = this.hasAsked = false;
    // Ignore what a socket that was left still says.
    const ours = (act) => (event) => socket === this.socket && act(event);
    socket.onopen = ours(() => this.send({ type: 'connection_init', payload: this.init }));
    socket.onmessage = ours(({ data }) => this.hear(JSON.parse(data)));
    socket.onclose = ours(({ code, reason }) => this.closed(code, reason));
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  hear(message) {
    this.heard = performance.now();
    this.hasAsked = false;
    switch (message.type) {
      case 'connection_ack':
        return this.subscribe();
      case 'ping':
        this.send({ type: 'pong' });
        if (message.payload?.warning) {
          const { warning, expiresAt } = message.payload;
          this.onExpiry(new Date(expiresAt), { isIdle: warning === 'SESSION_IDLE' });
        }
        return;
      case 'next':
        if (message.id !== String(this.operation)) return; // of a stream that has ended
        if (message.payload.errors) return this.fail(message.payload.errors);
        return this.take(message.payload.data[this.field]);
      case 'error':
        if (message.id === String(this.operation)) this.fail(message.payload);
        return;
      case 'complete':
        if (message.id === String(this.operation)) this.drop();
    }
  }

  subscribe() {
    this.operation += 1;
    const payload = { query: this.query, variables: { after: this.cursor } };
    this.send({ type: 'subscribe', id: String(this.operation), payload });
  }

  take(message) {
    this.updatedAt = performance.now();
    if (!this.hasSpoken) {
      this.hasSpoken = true;
      this.attempts = 0;
      this.rejection = null;
      this.onState({ name: 'live' });
    }
    this.resyncs = 0;
    this.onMessage(message);
    // Only now: if onMessage has failed, the message must come again.
    this.cursor = message.cursor ?? this.cursor;
  }

  fail([error]) {
    const { code, cursor, retryAfter } = error.extensions ?? {};
    if (code === 'RESYNC_REQUIRED') {
      // With a cursor the stream goes on there; with null, where it began: nothing was sent since. If
      // there is none, a snapshot is the new beginning. If that tells nothing either, asking at once
      // could go on without end.
      if (cursor !== null) this.cursor = cursor ?? null;
      this.resyncs += 1;
      if (this.resyncs === 1) this.subscribe();
      else this.drop();
    } else if (code === 'UNAUTHENTICATED') {
      this.end('ended', error.message);
    } else if (code === 'BUSY') {
      this.drop(1000 * retryAfter);
    } else if (NOT_NOW.has(code)) {
      this.drop(TRY_LATER_PAUSE);
    } else if (this.cursor !== null) {
      // The cursor may be of another database: once more, from the beginning.
      this.cursor = null;
      this.subscribe();
    } else {
      this.end('failed', error.message);
    }
  }

  closed(code, reason) {
    if (OUR_FAULT.has(code)) return this.end('failed', `${code} ${reason}`);
    if (code !== REJECTED) return this.drop(code === TRY_LATER ? TRY_LATER_PAUSE : 0);
    if (reason === OTHER_VIEWER) return this.end('ended', reason);
    // If the key was changed it still works: try once. If not, the first reason is the true one.
    if (this.rejection !== null) return this.end('ended', this.rejection);
    this.rejection = reason;
    this.connect();
  }

  /** Leave the socket, if there is one, and come back after a pause. */
  drop(atLeast = 0) {
    if (this.retry) return;
    this.leave();
    const pause = Math.max(atLeast, Math.min(FIRST_PAUSE * 2 ** this.attempts, LONGEST_PAUSE));
    this.attempts += 1;
    // Jitter: not all dashboards may come back to a restarted server at the same moment.
    this.retryAfter(pause * (0.5 + Math.random()));
  }

  retryAfter(ms) {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), ms);
    this.onState({ name: 'lost', retryAt: performance.now() + ms });
  }

  end(name, reason) {
    this.stop();
    this.onState({ name, reason });
  }

  leave() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  watch() {
    if (!this.socket) return;
    const now = performance.now();
    if (!this.hasSpoken) {
      if (now - this.opened > OPENING) this.drop();
    } else if (now - this.heard > QUIET + ANSWER || now - this.updatedAt > SILENT) {
      this.drop();
    } else if (now - this.heard > QUIET && !this.hasAsked) {
      this.hasAsked = true;
      this.send({ type: 'ping' });
    }
  }
}
