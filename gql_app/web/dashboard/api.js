// Requests: GraphQL by POST with JSON, and the session.

/** The session is over, or there was none. */
export class SignedOut extends Error {}

/** Somebody else has signed in, in another tab of this browser. */
export class OtherViewer extends SignedOut {}

/** The server cannot be reached, or does not answer as it should. */
export class Unreachable extends Error {}

/** The server has not answered in time. What was asked may still be done. */
export class TimedOut extends Unreachable {
  constructor() {
    super('The server has not answered yet.');
  }
}

/** The server refuses the request. The message and the code are the server's. */
export class BadRequest extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

const PATIENCE = 15_000; // ms
/** For what goes through all tasks of a queue or a person. */
export const LONG_PATIENCE = 120_000;
const FILE_PATIENCE = 300_000;
let meant = null;

/** A text that was cut to a length may end in half a character, which the server does not accept. */
const whole = (_, value) => (typeof value === 'string' ? value.toWellFormed() : value);

/** Send requests for the viewer with this id from now on. All tabs of a browser share the session, and the
 *  server refuses them if it is somebody else's by then. With null they are for the person who has signed in. */
export function actFor(viewerId) {
  meant = viewerId;
}

async function send(path, method, body, { isKept = true, patience = PATIENCE } = {}) {
  const headers = { 'Content-Type': 'application/json' };
  if (meant) headers['X-Callboard-Viewer'] = meant;
  try {
    return await fetch(path, {
      method,
      headers,
      body: body && JSON.stringify(body, whole),
      keepalive: isKept, // it is sent even if the page is left
      signal: patience && AbortSignal.timeout(patience),
    });
  } catch (error) {
    throw error.name === 'TimeoutError' ? new TimedOut() : new Unreachable('The server cannot be reached.');
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

/** The data of an operation. Throws one of the above. With `isKept` the request outlives the page; `patience`
 *  is how long to wait for the answer, in ms. */
export async function graphql(query, variables = {}, { isKept = true, patience = PATIENCE } = {}) {
  const response = await send('graphql', 'POST', { query, variables }, { isKept, patience });
  if (response.status === 401) throw await signedOut(response);
  if (response.status === 504) throw new TimedOut(); // a proxy is less patient
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

/** Ask for something that is no operation; the answer, null if there is nothing in it. Throws one of the above. */
export async function request(path, body, method = 'POST') {
  const response = await send(path, method, body);
  if (response.status === 401) throw await signedOut(response);
  if (response.status >= 500) throw new Unreachable(await refusal(response));
  if (!response.ok) throw new BadRequest(await refusal(response));
  return response.status === 204 ? null : response.json();
}

/** Send a file as it is. Its `id`, or the `errors` that say why it cannot be used. */
export async function sendFile(path, file) {
  const headers = { 'Content-Type': 'application/octet-stream' };
  if (meant) headers['X-Callboard-Viewer'] = meant;
  let response;
  try {
    response = await fetch(path, { method: 'POST', headers, body: file, signal: AbortSignal.timeout(FILE_PATIENCE) });
  } catch {
    throw new Unreachable('The file could not be sent.');
  }
  if (response.status === 401) throw await signedOut(response);
  if (response.status >= 500) throw new Unreachable(await refusal(response));
  return response.ok || response.status === 413 ? response.json() : { errors: [{ message: await refusal(response) }] };
}

/** Follow a subscription to its end, or until `signal` is aborted: `take` is given the data of each result. */
export async function follow(query, variables, take, signal) {
  const headers = { 'Content-Type': 'application/json', Accept: 'text/event-stream' };
  if (meant) headers['X-Callboard-Viewer'] = meant;
  try {
    const response = await fetch('graphql', { method: 'POST', headers, body: JSON.stringify({ query, variables }), signal });
    if (response.status === 401) throw await signedOut(response);
    if (!response.ok) throw new BadRequest(await refusal(response));
    let rest = '';
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + text).split('\n\n');
      rest = events.pop();
      for (const event of events) {
        const data = event.match(/^data: (.*)$/m)?.[1];
        if (!data) continue;
        const { data: result, errors } = JSON.parse(data);
        if (errors) throw new BadRequest(errors[0].message, errors[0].extensions?.code);
        take(result);
      }
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error instanceof TypeError ? new Unreachable('The server cannot be reached.') : error;
  }
}

/** A file, and its name. It may take long. Throws one of the above, also if it breaks off. */
export async function download(order) {
  const response = await send('download', 'POST', order, { isKept: false, patience: null });
  if (response.status === 401) throw await signedOut(response);
  if (response.status >= 500) throw new Unreachable(await refusal(response));
  if (!response.ok) throw new BadRequest(await refusal(response));
  const [, name] = response.headers.get('Content-Disposition').match(/filename="(.+)"/);
  try {
    return { name, file: await response.blob() };
  } catch {
    throw new Unreachable('The download broke off. Try again.');
  }
}

/** `proof` is { key }, { link } or { passkey }. Throws `SignedOut` if it is not valid. */
export const signIn = (proof) => request('session', proof);

/** Tell the server that somebody is here. Gives the seconds after which it wants to know again. */
export async function reportActivity() {
  return (await request('session', undefined, 'PUT')).reportAfter;
}

export async function signOut() {
  const response = await send('session', 'DELETE');
  if (response.status === 401) throw await signedOut(response);
  if (!response.ok) throw new Unreachable(await refusal(response));
}
