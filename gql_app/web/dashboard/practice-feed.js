// One practice of the group as its board shows it: how its queues stand, by a feed of its own, and today's
// contacts, which are asked for again when they may have changed, at most once a second.

import { SignedOut, graphql, socketAddress } from './api.js';
import { now } from './clock.js';
import { Feed } from './feed.js';
import { CONTACTS, FIGURES_FEED, ZONE } from './group-documents.js';
import { Pace } from './pace.js';
import { sumOf } from './store.js';
import { beginVisit, isRefusal } from './visit.js';

const AGAIN = 3_000; // ms until a practice that could not be reached is tried again
const NO_NEWS = new Set(['CLAIMED', 'RELEASED', 'CREATED']); // kinds of events after which no contact is new

export class PracticeFeed {
  /** `practice` of the group; `home` is what requests to it carry where the viewer has signed in. `onChange()`;
   *  `onError(error)`: the session is over. */
  constructor(practice, { home, onChange, onError }) {
    Object.assign(this, { practice, home, onChange, onError });
    this.state = { name: 'connecting' }; // as a feed's; "refused" if the viewer may not look into it
    this.counts = null; // by queue, once they are known
    this.contacts = null; // today's, by outcome
    this.lostAt = null; // since when the figures are old, by performance.now()
    this.isOver = false;
    this.pace = new Pace(() => this.ask());
  }

  /** The sums over the practice's queues; null while nothing is known. */
  get sums() {
    return this.counts && sumOf(this.counts.values());
  }

  async begin() {
    try {
      const { practice, home } = this;
      const as = practice.isHome ? home : await beginVisit(practice, home);
      const { viewer } = await graphql(ZONE, {}, { as });
      if (this.isOver) return;
      this.as = as;
      this.learnZone(viewer.practice);
      this.follow();
    } catch (error) {
      if (!this.isOver) this.failed(error);
    }
  }

  /** Nothing is drawn of it from here on, whatever is still to come. */
  end() {
    this.isOver = true;
    clearTimeout(this.again);
    this.pace.cancel();
    this.feed?.stop();
  }

  failed(error) {
    if (error instanceof SignedOut) return this.onError(error);
    if (isRefusal(error)) return this.refuse();
    this.again = setTimeout(() => this.begin(), AGAIN);
    this.tell({ name: 'lost' });
  }

  /** The practice is not, or no longer, one that the viewer may look into: nothing of it stays. */
  refuse() {
    this.counts = this.contacts = null;
    this.tell({ name: 'refused' });
  }

  follow() {
    this.feed = new Feed({
      url: socketAddress(),
      query: FIGURES_FEED,
      field: 'queueFeed',
      init: this.as,
      onMessage: (message) => this.take(message),
      onState: (state) => this.changed(state),
    });
    this.feed.start();
  }

  changed(state) {
    if (this.isOver) return;
    if (state.name === 'ended') {
      // The visit is over, or the session: whichever it is, the server says so.
      this.again = setTimeout(() => this.begin(), AGAIN);
      return this.tell({ name: 'lost' });
    }
    if (state.name === 'live') this.pace.soon();
    this.tell(state);
  }

  tell(state) {
    this.state = state;
    if (state.name === 'lost') this.lostAt ??= performance.now();
    if (state.name === 'live') this.lostAt = null;
    this.onChange();
  }

  take(message) {
    switch (message.__typename) {
      case 'QueueSnapshot':
        this.counts = new Map(message.queues.map(({ queue, counts }) => [queue.id, counts]));
        this.pace.soon();
        break;
      case 'QueueCounts':
        this.counts.set(message.queue.id, message);
        break;
      case 'QueuesChanged': {
        const here = new Set(message.queues.map(({ id }) => id));
        for (const id of this.counts.keys()) if (!here.has(id)) this.counts.delete(id);
        this.learnZone(message.practice);
        break;
      }
      case 'TaskEvent':
        if (!NO_NEWS.has(message.kind)) this.pace.soon();
        return;
      default:
        return;
    }
    this.onChange();
  }

  /** The practice's days are those of its time zone. */
  learnZone({ timeZone }) {
    this.dayOf = new Intl.DateTimeFormat('en-CA', { timeZone }); // YYYY-MM-DD
  }

  /** Ask for today's contacts. */
  async ask() {
    this.pace.done();
    if (this.state.name !== 'live') return;
    try {
      const { activity } = await graphql(CONTACTS, { day: this.dayOf.format(now()) }, { as: this.as, isKept: false });
      if (this.isOver || this.state.name === 'refused') return;
      this.contacts = activity.total.contacts;
      this.onChange();
    } catch {
      // Its feed says what is wrong; it is asked again with what comes next.
    }
  }
}
