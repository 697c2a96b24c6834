// The claim on the patient whose task is open here: asked for, renewed, lost, and given back.
//
// This tab chooses the id of each claim that it asks for. So it tells its own claims from those of other
// tabs of the same person, and can give one back whose answer never came. Time is measured by
// `performance.now()`: clocks are set, and the server's need not be this machine's.

import { SignedOut, graphql } from './api.js';
import { CLAIM, CLAIM_NEXT, RELEASE, RENEW } from './documents.js';
import { outside } from './text.js';

const TICK = 1_000; // ms; a hidden tab is woken less often, but by each message of the feed, too
const AGAIN = 5_000; // ms until a request that was not answered is sent again
export const IDLE = 60 * 60_000; // ms without a key or a pointer, after which nobody is thought to be here
const TROUBLES = {
  lost: 'You have lost your claim. What you typed is kept.',
  refused: 'You have no claim on this patient.',
  unsure: 'The server has not answered. Perhaps this patient is not claimed.',
};
const INPUTS = ['keydown', 'pointerdown', 'pointermove', 'wheel'];

export class Claims {
  /** `onChange()` is told when the open task's claim is in another state; `onError(error)`. */
  constructor(store, { onChange = () => {}, onError }) {
    Object.assign(this, { store, onChange, onError });
    this.lastInput = performance.now();
    this.suspend();
    store.listen((what, detail) => {
      if (what === 'event') this.find(detail.task);
      if (what === 'snapshot') this.resync();
    });
    for (const name of INPUTS) addEventListener(name, () => this.touched(), { capture: true, passive: true });
    setInterval(() => this.tick(), TICK);
    addEventListener('visibilitychange', () => this.tick());
    addEventListener('pagehide', () => this.leave());
    addEventListener('pageshow', ({ persisted }) => persisted && this.resync());
  }

  /** `viewer` is at work now. */
  begin(viewer) {
    this.lease = viewer.practice.claimSeconds * 1000;
  }

  /** The session is over: nothing can be given back without it. What is held ends by itself. */
  suspend() {
    this.current = null; // { id, taskId, version, state: "asking", "held", or one of TROUBLES with `why` }
    this.flying = new Set(); // ids whose answer is still to come
    this.doubtful = new Set(); // ids whose answer will not come: nobody knows what came of them
    this.returning = new Map(); // ids that are to be given back: task, and until when it is tried
    this.session = {};
  }

  /** What keeps the open task from being claimed: { title, why }; null if it is claimed, or will be. */
  get trouble() {
    const title = TROUBLES[this.current?.state];
    return title ? { title, why: this.current.why } : null;
  }

  /** Claim the patient of the task that was opened. The answer, or null if it was closed meanwhile. */
  async take(taskId) {
    const claim = { id: newKey(), taskId, state: 'asking', version: 0 };
    this.current = claim;
    this.onChange();
    try {
      const { task, errors, warnings, sent } = await this.ask(claim.id, CLAIM, { id: taskId });
      if (this.current !== claim) {
        if (!errors.length) this.giveBack(claim.id, taskId);
        return null;
      }
      if (!errors.length) this.hold(claim, task, sent);
      else if (task?.isOpen) this.lose('refused', outside(errors[0].message), task);
      else this.current = null;
      this.onChange();
      return { task, errors, warnings };
    } catch (error) {
      if (this.current === claim && !(error instanceof SignedOut)) {
        if (claim.state !== 'held') this.lose('unsure', outside(error.message)); // unless the feed has told
      } else if (this.doubtful.has(claim.id)) {
        this.giveBack(claim.id, taskId);
      }
      throw error;
    }
  }

  /** Claim the next task of the queues, none of the patients of the tasks in `skip`: { task, errors, claim,
   *  reason, nextAt }, the claim for `keep` or `giveBack`; without a task, why and until when. */
  async next(queueIds, skip) {
    const claim = { id: newKey(), state: 'asking', version: 0 };
    const { session } = this;
    try {
      const { sent, ...answer } = await this.ask(claim.id, CLAIM_NEXT, { queueIds, skip });
      if (session !== this.session) return { task: null, errors: [] };
      return { ...answer, claim: { ...claim, taskId: answer.task?.id, sent } };
    } catch (error) {
      if (this.doubtful.has(claim.id)) this.giveBack(claim.id, null);
      throw error;
    }
  }

  /** The task that `next` has claimed is opened. */
  keep(claim, task) {
    this.current = claim;
    this.hold(claim, task, claim.sent);
  }

  /** A contact was logged on the task, or it was postponed: that has ended its claim. */
  done(taskId) {
    if (this.current?.taskId === taskId) this.current = null;
  }

  /** The task was closed without logging. */
  drop() {
    const claim = this.current;
    this.current = null;
    // One that is still asked for is given back when it is answered, see `take`.
    if (claim?.state === 'held' || this.doubtful.has(claim?.id)) this.giveBack(claim.id, claim.taskId);
  }

  /** Give a claim back, again and again until the server has answered. Without a task it is found by
   *  its id. If it has ended already, or another has taken its place, nothing happens. */
  giveBack(id, taskId) {
    if (this.returning.has(id)) return;
    this.returning.set(id, { taskId, until: performance.now() + this.lease, next: 0 });
    this.tick();
  }

  /** What was heard of the open task: whether the claim still stands. `event` has what an event of the
   *  feed has; after an answer, only the task. */
  compare({ task, kind, actor }) {
    const claim = this.current;
    if (!claim || task.id !== claim.taskId || task.version <= claim.version) return;
    claim.version = task.version;
    if (task.claim?.id === claim.id) {
      if (claim.state !== 'held') this.hold(claim, task, performance.now());
    } else if (!task.isOpen) {
      this.current = null;
    } else if (claim.state === 'held') {
      this.lose('lost', this.reason(task, kind, actor));
    } else if (this.trouble) {
      claim.why = this.reason(task, kind, actor);
    }
    this.onChange();
  }

  /** Look whether something is due: a renewal, an end, a claim that is to be given back. */
  tick() {
    const now = performance.now();
    const claim = this.current;
    if (claim?.state === 'held') {
      if (now >= claim.until) {
        this.lose('lost', 'Its time is up.');
        this.onChange();
      } else if (!claim.isRenewing && isRenewed(now, claim.renewAt, this.lastInput)) {
        this.renew(claim);
      }
    }
    for (const [id, back] of this.returning) {
      if (now >= back.until) this.returning.delete(id); // by now it has ended by itself
      else if (now >= back.next) this.release(id, back);
    }
  }

  // ---- inside

  touched() {
    this.lastInput = performance.now();
  }

  hold(claim, task, sent) {
    const { id } = claim;
    this.doubtful.delete(id);
    const renewAt = sent + this.lease / 3;
    Object.assign(claim, { state: 'held', why: '', version: task.version, renewAt, until: sent + this.lease });
    const known = this.store.tasks.get(claim.taskId);
    if (known) this.compare({ task: known }); // an answer may be overtaken by what has happened since
  }

  lose(state, why, task = null) {
    Object.assign(this.current, { state, why });
    if (task) this.current.version = task.version;
  }

  reason(task, kind, actor) {
    const { me } = this.store;
    const other = this.store.otherCaller(task);
    if (other) return `${outside(other)} has claimed the patient.`;
    if (task.claim) return 'You have opened this patient in another tab.';
    if (kind === 'CONTACT_LOGGED') return `${actor ? outside(actor.name) : 'Somebody'} has logged a contact.`;
    if (kind === 'POSTPONED') return `${actor ? outside(actor.name) : 'Somebody'} has postponed the task.`;
    if (kind !== 'RELEASED') return 'It has ended.';
    if (!actor) return 'Its time was up.';
    return actor.id === me ? 'You have released it in another tab.' : `${outside(actor.name)} has released it.`;
  }

  /** The answer to a request for a claim, with the moment at which it was sent. */
  async ask(id, document, variables) {
    const sent = performance.now();
    const { session } = this;
    this.flying.add(id);
    try {
      const [answer] = Object.values(await graphql(document, { ...variables, claimId: id }, { isKept: false }));
      return { ...answer, sent };
    } catch (error) {
      if (session === this.session && !(error instanceof SignedOut)) this.doubtful.add(id);
      throw error;
    } finally {
      this.flying.delete(id);
    }
  }

  async renew(claim) {
    claim.isRenewing = true;
    try {
      const { task, errors, sent } = await this.ask(claim.id, RENEW, { id: claim.taskId });
      if (this.current !== claim || claim.state !== 'held') return;
      if (!errors.length) this.hold(claim, task, sent);
      else if (task?.isOpen) this.lose('lost', outside(errors[0].message), task);
      else this.current = null;
      this.store.put(task);
      this.onChange();
    } catch (error) {
      claim.renewAt = performance.now() + AGAIN;
      if (error instanceof SignedOut) this.onError(error);
    } finally {
      claim.isRenewing = false;
    }
  }

  async release(id, back) {
    back.next = Infinity;
    try {
      const { releaseTask } = await graphql(RELEASE, { id: back.taskId, claimId: id });
      this.returning.delete(id);
      this.store.put(releaseTask.task);
    } catch (error) {
      back.next = performance.now() + AGAIN;
      if (error instanceof SignedOut) this.onError(error);
    }
  }

  /** A claim that nobody waits for any more was made after all. */
  find({ id, claim }) {
    if (!claim || !this.doubtful.has(claim.id) || claim.id === this.current?.id) return;
    this.doubtful.delete(claim.id);
    this.returning.delete(claim.id); // an attempt before it was made has changed nothing
    this.giveBack(claim.id, id);
  }

  /** What has happened meanwhile is not told event by event: ask. */
  resync() {
    for (const id of this.doubtful) if (id !== this.current?.id) this.giveBack(id, null);
    if (this.current?.state === 'held') this.current.renewAt = 0;
    this.tick();
  }

  /** The page goes away: what it holds, or has asked for, is given back. */
  leave() {
    const ids = new Map([...this.flying, ...this.doubtful].map((id) => [id, null]));
    for (const [id, { taskId }] of this.returning) ids.set(id, taskId);
    if (this.current?.state === 'held' || this.current?.state === 'asking') {
      ids.set(this.current.id, this.current.taskId);
    }
    for (const [claimId, id] of ids) graphql(RELEASE, { id, claimId }).catch(() => {});
  }
}

/** Whether a claim that is due for renewal at `renewAt` is renewed `now`: not for a desk that nobody has
 *  touched for an hour. */
export function isRenewed(now, renewAt, lastInput) {
  return now >= renewAt && now - lastInput < IDLE;
}

/** Random text. crypto.randomUUID is there on secure pages only; a closed network may have plain http. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
