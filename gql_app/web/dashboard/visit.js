// Visits: who supervises a group of practices has signed in at one, their home, and looks into others of it.
// Which one a page shows stands in its address (?practice=birch), so each tab has its own. Going from one to
// another loads the page anew: nothing of a practice, no late answer either, is drawn on another's page.

import { BadRequest, graphql, request } from './api.js';
import { VIEWER } from './documents.js';
import { outside } from './text.js';
import { say } from './toast.js';

/** Who is at work on this page: { viewer, as, home }, the viewer, what requests for them carry, and what those
 *  for the same person at home do. Throws what `request` does. */
export async function arrive() {
  const { viewer } = await graphql(VIEWER);
  const home = { viewer: viewer.id, practice: null };
  const slug = new URLSearchParams(location.search).get('practice');
  const there = slug === null ? null : await visit(slug, viewer, home);
  return { viewer, as: home, ...there, home };
}

/** What requests to a practice of the group carry. Throws what `request` does; a `BadRequest` if the practice is
 *  not one that the viewer may look into. */
export async function beginVisit({ id }, home) {
  const { viewer } = await request('visits', { practice: id }, 'POST', home);
  return { viewer, practice: id };
}

/** Whether an error says that the viewer may not look into a practice. */
export const isRefusal = (error) => error instanceof BadRequest && error.code === 'FORBIDDEN';

/** Visit the practice with this short name: { viewer, as }. Null if they stay at home, which the address then names. */
async function visit(slug, { group, practice }, home) {
  const there = group?.practices.find((each) => each.slug === slug);
  try {
    if (!there) return stayAtHome(practice);
    if (there.isHome) return stayAtHome(null);
    const as = await beginVisit(there, home);
    return { viewer: (await graphql(VIEWER, {}, { as })).viewer, as };
  } catch (error) {
    if (isRefusal(error)) return stayAtHome(practice);
    throw error;
  }
}

/** `practice` is where they are in place of another, which they may not look into. */
function stayAtHome(practice) {
  // What else the address names is there, not here.
  history.replaceState(null, '', location.pathname + (practice ? '' : location.hash));
  if (practice) say(`You may not look into that practice, or no longer. This is ${outside(practice.name)}.`);
  return null;
}
