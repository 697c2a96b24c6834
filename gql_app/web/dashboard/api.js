// Requests: GraphQL by POST with JSON, and the session.

/** The session is over, or there was none. */
export class SignedOut extends Error {}

/** The session of this browser is somebody else's by now, who has signed in in another tab. */
export class OtherViewer extends SignedOut {}

/** The server cannot be reached, or does not answer as it should. */
export class Unreachable extends Error {}

/** The server refuses the request itself; the message is its own, and so is the code. */
export class BadRequest extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

const PATIENCE = 15_000;
let meant = null;

/** A text may have half a character, where a limit on its length cut a pair in two. The server takes
 *  whole ones. */
const whole = (_, value) => (typeof value === 'string' ? value.toWellFormed() : value);

/** From here on requests are for the viewer with this id, and refused if the session is another's. All
 *  tabs of a browser share the session. With null they are for the person who has signed in. */
export function actFor(viewerId) {
  meant = viewerId;
}

async function send(path, method, body, { isKept = true } = {}) {
  const headers = { 'Content-Type': 'application/json' };
  if (meant) headers['X-Callboard-Viewer'] = meant;
  try {
    return await fetch(path, {
      method,
      headers,
      body: body && JSON.stringify(body, whole),
      keepalive: isKept, // what was asked for is done though the page is left
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

async function signedOut(response) {
  const answer = await response.json().catch(() => ({}));
  const [{ message, extensions } = {}] = answer.errors ?? [];
  return new (extensions?.code === 'VIEWER_CHANGED' ? OtherViewer : SignedOut)(message);
}

/** The data of an operation. Throws one of the above. With `isKept` the request outlives the page. */
export async function graphql(query, variables = {}, { isKept = true } = {}) {
  const response = await send('graphql', 'POST', { query, variables }, { isKept });
  if (response.status === 401) throw await signedOut(response);
  if (response.status >= 500) throw new Unreachable(await refusal(response));
  if (!response.ok) throw new BadRequest(await refusal(response));
  const { data, errors } = await response.json();
  if (errors) {
    const code = errors[0].extensions?.code;
    if (code === 'UNAUTHENTICATED') throw new SignedOut(errors[0].message);
    throw new BadRequest(errors[0].message, code);
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
  if (response.status === 401) throw await signedOut(response);
  if (!response.ok) throw new Unreachable(await refusal(response));
}
