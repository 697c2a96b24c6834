// All that the page knows: tasks by id, queues, their counts. The newest state of a task wins, whether it
// came by an event, a list or an answer, so it does not matter which of them comes first.

import { learn } from './clock.js';

const OF_PATIENT = new Set(['PATIENT_CHANGED', 'CLOSED_BY_DO_NOT_CONTACT']); // kinds of events that tell of the patient
const NONE = { open: 0, notContacted: 0, inProgress: 0, dueToday: 0, overdue: 0, closedToday: 0, needsReview: 0 };

export class Store {
  constructor() {
    this.listeners = [];
    this.clear();
  }

  clear() {
    this.tasks = new Map();
    this.queues = [];
    this.counts = new Map();
    this.me = null; // the viewer's own id as staff
    this.restHours = null; // for how long who was called rests, see `rests` in words.js
  }

  /** `listener(what, detail)`: "snapshot", "counts", "settings" (with the practice; its queues may be others
   *  now), "task" (with the task), "patient" (with one who is called otherwise now), "people" (somebody was invited here) or "event" (with it, and
   *  in it the task as it was then, and as it was known before). */
  listen(listener) {
    this.listeners.push(listener);
  }

  tell(what, detail) {
    for (const listener of this.listeners) listener(what, detail);
  }

  /** Take in a message of queueFeed. */
  take(message) {
    switch (message.__typename) {
      case 'QueueSnapshot':
        // Anything may have changed.
        this.tasks = new Map();
        this.queues = message.queues.map(({ queue }) => queue);
        this.counts = new Map(message.queues.map(({ queue, counts }) => [queue.id, counts]));
        return this.tell('snapshot');
      case 'TaskEvent': {
        const { taskId, ...state } = message.snapshot;
        const task = { id: taskId, ...state };
        const before = this.tasks.get(taskId);
        this.put(task);
        this.tell('event', { ...message, task, before });
        return OF_PATIENT.has(message.kind) && this.rename(task.patient);
      }
      case 'QueueCounts':
        this.counts.set(message.queue.id, message);
        return this.tell('counts');
      case 'QueuesChanged':
        return this.setQueues(message);
      case 'Heartbeat':
        learn(message.at);
    }
  }

  /** The queues are these from here on. One that is not among them is archived, and has no open tasks. */
  setQueues({ practice, queues }) {
    this.queues = queues;
    const known = new Map(queues.map((queue) => [queue.id, queue]));
    // Their counts come next.
    this.counts = new Map(queues.map(({ id }) => [id, this.counts.get(id) ?? NONE]));
    for (const [id, task] of this.tasks) {
      const queue = known.get(task.queue?.id);
      if (queue) this.tasks.set(id, { ...task, queue: { ...task.queue, ...queue } });
      else if (task.queue && task.isOpen) this.tasks.delete(id);
    }
    this.restHours = practice.restHours;
    this.tell('settings', practice);
  }

  /** Take in a task, if it is news. */
  put(task) {
    if (!task) return;
    const known = this.tasks.get(task.id);
    if (known && known.version >= task.version) return;
    this.tasks.set(task.id, task);
    this.tell('task', task);
  }

  /** A patient has another name or phone: on all tasks, for closed ones have no event. */
  rename(patient) {
    for (const [id, task] of this.tasks) {
      if (task.patient.id === patient.id) this.tasks.set(id, { ...task, patient });
    }
    this.tell('patient', patient);
  }

  /** The sum of the queues' counts, or those of one queue. */
  countsOf(queueId) {
    return queueId ? this.counts.get(queueId) : sumOf(this.counts.values());
  }

  /** Who else is calling the task's patient now, or null. */
  otherCaller(task) {
    return task.claim && task.claim.by.id !== this.me ? task.claim.by.name : null;
  }
}

/** The sum of counts, each by the same names; of none it is 0 for each. */
export function sumOf(all, names = Object.keys(NONE)) {
  const sum = Object.fromEntries(names.map((name) => [name, 0]));
  for (const counts of all) for (const name of names) sum[name] += counts[name];
  return sum;
}
