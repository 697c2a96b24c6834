// What was typed and not yet logged, by task. It survives reload and Back: it is kept for this person in
// this tab (sessionStorage), never longer, and never in what other tabs or the next session can read. What they
// typed at one practice of a group is not there at another, and is there again when they are back.

const OWNER = 'callboard.drafts.of';
const DRAFT = 'callboard.draft.';

export class Drafts {
  constructor() {
    this.known = new Map(); // by the task's id; also where the browser keeps nothing for us
    this.owner = null;
  }

  /** `owner` is at work now, as `viewer` at the practice that is shown; each of them is the id of a viewer. What
   *  another has typed is not theirs to see: it is dropped. Whether there was another. */
  begin(owner, viewer = owner) {
    const before = this.owner ?? stored((storage) => storage.getItem(OWNER));
    const isOther = before !== null && before !== owner;
    if (isOther) this.clear();
    if (this.prefix !== prefixOf(viewer)) this.known.clear();
    this.owner = owner;
    this.prefix = prefixOf(viewer);
    stored((storage) => {
      storage.setItem(OWNER, owner);
      for (const name of keysOf(storage, this.prefix)) {
        this.known.set(name.slice(this.prefix.length), JSON.parse(storage.getItem(name)));
      }
    });
    return isOther;
  }

  get(taskId) {
    return this.known.get(taskId);
  }

  put(taskId, draft) {
    this.known.set(taskId, draft);
    stored((storage) => storage.setItem(this.prefix + taskId, JSON.stringify(draft)));
  }

  drop(taskId) {
    this.known.delete(taskId);
    stored((storage) => storage.removeItem(this.prefix + taskId));
  }

  /** Forget all drafts, and whose they were. */
  clear() {
    this.known.clear();
    this.owner = null;
    stored((storage) => [OWNER, ...keysOf(storage)].forEach((name) => storage.removeItem(name)));
  }
}

const prefixOf = (viewer) => `${DRAFT}${viewer}.`;
const keysOf = (storage, prefix = DRAFT) => Object.keys(storage).filter((name) => name.startsWith(prefix));

/** What `act` makes of the tab's storage; null if the browser gives us none, or it is full. */
function stored(act) {
  try {
    return act(sessionStorage);
  } catch {
    return null;
  }
}
