// The server's clock, as far as this page knows it. The client's own clock may be wrong, and may be set
// while the page is open, so only the time that passes is taken from it. Each heartbeat tells the server's
// time again, because a machine that sleeps may not count. This clock is never ahead of the server's, so
// when a day begins here it has begun there.

let zero = 0; // what the server's clock showed when performance.now() was 0, in ms

/** The server's clock showed `moment` just now. */
export function learn(moment) {
  zero = Date.parse(moment) - performance.now();
}

/** What the server's clock shows, in ms since 1970; or showed when performance.now() was `counted`. */
export const now = (counted = performance.now()) => zero + counted;
