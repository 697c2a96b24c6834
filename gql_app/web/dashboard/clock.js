// The server's clock, as far as this page knows it. The client's own may show anything, and may be set
// while the page is open; so of the client only the time that passes is taken. It is learned anew with
// each heartbeat, since a sleeping machine may not count either. It is never ahead of the server's, so
// when a day begins here it has begun there.

let zero = 0; // what the server's clock showed when performance.now() was 0, in ms

/** The server's clock showed `moment` just now. */
export function learn(moment) {
  zero = Date.parse(moment) - performance.now();
}

/** What the server's clock shows, in ms since 1970; or showed when performance.now() was `counted`. */
export const now = (counted = performance.now()) => zero + counted;
