// Follows taskStatusChanged with one of the npm clients, through every lost connection.
//
//   node client.mjs ws|sse retry|loop URL KEY CURSOR
//
// "retry": the client reconnects by itself and sends its subscription again. "loop": it may not, and
// a loop subscribes anew. Prints a line of JSON for each event and for all else that happens.
import { createClient as createEventsClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import WebSocket from 'ws';

const [transport, way, url, key, start] = process.argv.slice(2);
const authorization = `Bearer ${key}`;
const query = `subscription ($after: String) { taskStatusChanged(after: $after) { seq cursor } }`;
let cursor = start;

const tell = (what) => console.log(JSON.stringify(what));
const shortly = () => new Promise((done) => setTimeout(done, 50 + 150 * Math.random()));
const retryAttempts = way === 'retry' ? Infinity : 0;

const clients = {
  ws: () =>
    createSocketClient({
      url: url.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization },
      retryAttempts,
      retryWait: shortly,
      shouldRetry: (event) => event?.code !== 4403, // as in docs/clients.md
      on: {
        connected: () => tell({ connected: cursor }),
        closed: ({ code }) => tell({ closed: code }),
      },
    }),
  sse: () =>
    createEventsClient({
      url,
      headers: { authorization },
      retryAttempts,
      retry: shortly,
      on: { connected: () => tell({ connected: cursor }) },
    }),
};

function follow(client, variables) {
  return new Promise((ended) => {
    client.subscribe(
      { query, variables },
      {
        next: ({ data, errors }) => {
          if (errors) return tell({ errors });
          cursor = data.taskStatusChanged.cursor;
          tell({ seq: data.taskStatusChanged.seq });
        },
        error: (error) => ended(tell({ error: String(error) })),
        complete: () => ended(tell({ complete: true })),
      },
    );
  });
}

const client = clients[transport]();
if (way === 'retry') {
  // The variables are written out whenever they are sent, with the cursor of that moment.
  await follow(client, {
    get after() {
      return cursor;
    },
  });
} else {
  for (;;) {
    await follow(client, { after: cursor });
    await shortly();
  }
}
