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
const NOBODY = { viewer: null, practice: null };
let meant = NOBODY;

/** A text that was cut to a length may end in half a character, which the server does not accept. */
const whole = (_, value) => (typeof value === 'string' ? value.toWellFormed() : value);

/** Send requests for this viewer from now on: their id, and the id of the practice that they visit, which is null
 *  at home. All tabs of a browser share the session, and the server refuses them if it is somebody else's by then.
 *  With null they are for the person who has signed in. */
export function actFor(as) {
  meant = as ?? NOBODY;
}

/** Where sockets are opened. */
export function socketAddress() {
  const url = new URL('graphql', location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  return url.href;
}

/** The headers of a request with a body of this type, for the viewer meant, or for another. */
function headersOf(type, { viewer, practice } = meant) {
  const headers = { 'Content-Type': type };
  if (viewer) headers['X-Callboard-Viewer'] = viewer;
  if (practice) headers['X-Callboard-Practice'] = practice;
  return headers;
}

async function send(path, method, body, { isKept = true, patience = PATIENCE, as } = {}) {
  try {
    return await fetch(path, {
      method,
      headers: headersOf('application/json', as),
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
  const [{ message, extensions } = {}] = answer.errors ?? [];
  return { message: message ?? `The server answered with ${response.status}.`, code: extensions?.code };
}

/** Throw what a response that is none to go on with stands for. */
async function check(response) {
  if (response.ok) return;
  const { message, code } = await refusal(response);
  if (response.status === 401) throw new (code === 'VIEWER_CHANGED' ? OtherViewer : SignedOut)(message);
  if (response.status >= 500) throw new Unreachable(message);
  throw new BadRequest(message, code);
}

/** The data of an operation. Throws one of the above. With `isKept` the request outlives the page; `patience`
 *  is how long to wait for the answer, in ms; it is for the viewer `as`, if one is given. */
export async function graphql(query, variables = {}, how = {}) {
  const response = await send('graphql', 'POST', { query, variables }, how);
  if (response.status === 504) throw new TimedOut(); // a proxy is less patient
  await check(response);
  const { data, errors } = await response.json();
  if (errors) {
    const code = errors[0].extensions?.code;
    if (code === 'UNAUTHENTICATED') throw new SignedOut(errors[0].message);
    throw new BadRequest(errors[0].message, code);
  }
  return data;
}

/** Ask for something that is no operation; the answer, null if there is nothing in it. Throws one of the above. */
export async function request(path, body, method = 'POST', as = undefined) {
  const response = await send(path, method, body, { as });
  await check(response);
  return response.status === 204 ? null : response.json();
}

/** Send a file as it is. Its `id`, or the `errors` that say why it cannot be used. */
export async function sendFile(path, file) {
  const headers = headersOf('application/octet-stream');
  let response;
  try {
    response = await fetch(path, { method: 'POST', headers, body: file, signal: AbortSignal.timeout(FILE_PATIENCE) });
  } catch {
    throw new Unreachable('The file could not be sent.');
  }
  if (response.status === 413) return response.json();
  if (response.status !== 401 && response.status < 500 && !response.ok) return { errors: [await refusal(response)] };
  await check(response);
  return response.json();
}

/** Follow a subscription to its end, or until `signal` is aborted: `take` is given the data of each result. */
export async function follow(query, variables, take, signal) {
  const headers = { ...headersOf('application/json'), Accept: 'text/event-stream' };
  try {
    const response = await fetch('graphql', { method: 'POST', headers, body: JSON.stringify({ query, variables }), signal });
    await check(response);
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
  await check(response);
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
  await check(response);
}
