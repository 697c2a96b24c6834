// Requests: GraphQL by POST with JSON, and the session.

/** The session is over, or there was none. */
export class SignedOut extends Error {}

/** The server cannot be reached, or does not answer as it should. */
export class Unreachable extends Error {}

/** The server refuses the request itself; the message is its own. */
export class BadRequest extends Error {}

const PATIENCE = 15_000;

/** A text may have half a character, where a limit on its length cut a pair in two. The server takes
 *  whole ones. */
const whole = (_, value) => (typeof value === 'string' ? value.toWellFormed() : value);

async function send(path, method, body) {
  try {
    return await fetch(path, {
      method,
      headers: { 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body, whole),
      keepalive: true, // what was asked for is done though the page is left
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw new Unreachable('The server cannot be reached.');
  }
}

async function refusal(response) {
  const answer = await response.json().catch(() => ({}));
  return answer.errors?.[0]?.message ?? `The server answered with ${response.status}.`;
}

/** The data of an operation. Throws one of the above. */
export async function graphql(query, variables = {}) {
  const response = await send('graphql', 'POST', { query, variables });
  if (response.status === 401) throw new SignedOut(await refusal(response));
  if (response.status >= 500) throw new Unreachable(await refusal(response));
  if (!response.ok) throw new BadRequest(await refusal(response));
  const { data, errors } = await response.json();
  if (errors) {
    if (errors[0].extensions?.code === 'UNAUTHENTICATED') throw new SignedOut(errors[0].message);
    throw new BadRequest(errors[0].message);
  }
  return data;
}

/** `proof` is { key } or { link }. Throws `SignedOut` if it is not valid. */
export async function signIn(proof) {
  const response = await send('session', 'POST', proof);
  if (response.ok) return;
  if (response.status === 401) throw new SignedOut(await refusal(response));
  throw new Unreachable(await refusal(response));
}

export async function signOut() {
  const response = await send('session', 'DELETE');
  if (!response.ok && response.status !== 401) throw new Unreachable(await refusal(response));
}
