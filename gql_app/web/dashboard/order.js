// The orders of lists, by the same rules as the server's TaskOrder, and the headings of the order of work.

const NEVER = '9999-12-31T23:59:59+00:00';
const HEADINGS = [
  ...['Call back now', 'High priority, due', 'Overdue', 'Today', 'Low priority, due'],
  ...['High priority, new', 'New', 'Low priority, new', 'Later'],
];

/** Under which heading a task stands on a day. New: nobody has called yet, and no date is set. */
function section({ followUp, isCallBackDue, priority }, day) {
  if (isCallBackDue) return 0;
  if (followUp > day) return 8; // null is not
  const urgent = { HIGH: -1, LOW: 1 }[priority] ?? 0;
  if (followUp === null) return 6 + urgent;
  return urgent ? 2.5 + 1.5 * urgent : followUp < day ? 2 : 3;
}

// As texts: in the server's format they are in order, to the microsecond, which a Date cannot hold.
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** How two tasks of a list are compared on a day. */
export const ORDERS = {
  WORK: (day) => (a, b) =>
    section(a, day) - section(b, day) ||
    (a.isCallBackDue && (compare(a.followUpAt, b.followUpAt) || a.number - b.number)) ||
    compare(a.followUp ?? '', b.followUp ?? '') ||
    compare(a.expiresAt ?? NEVER, b.expiresAt ?? NEVER) ||
    a.number - b.number,
  CLOSED: () => (a, b) => compare(b.closedAt, a.closedAt) || b.number - a.number,
};

/** The headings of rows in the order of work, each with the index of the row that it stands above. */
export function headings(rows, day) {
  const sections = rows.map((task) => section(task, day));
  return HEADINGS.map((name, i) => ({ name, index: sections.indexOf(i) })).filter(
    ({ index }) => index >= 0,
  );
}
