// Watches a task in a client's store while the client reads the task's history and follows the stream.
//
//   node stores.mjs apollo|graphcache|relay snapshot|task URL KEY CURSOR TASK
//
// Prints a line of JSON with the version that the store has after each thing that was read: first the
// task itself, then the first event after the cursor, then each event of a stream from there on; and the
// versions that those who watch the task in the store were told until then.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { CHANGES, EVENTS, TASK } from './documents.js';

const [name, field, url, key, cursor, id] = process.argv.slice(2);
const headers = { authorization: `Bearer ${key}` };
const socket = createClient({
  url: url.replace('http', 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: headers,
});
const watched = [];

const openings = {
  async apollo() {
    const { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } = await import('@apollo/client/core');
    const { GraphQLWsLink } = await import('@apollo/client/link/subscriptions');
    const { OperationTypeNode } = await import('graphql');
    const { takeSnapshot } = await import('./apollo.js');
    const client = new ApolloClient({
      cache: new InMemoryCache(),
      link: ApolloLink.split(
        ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
        new GraphQLWsLink(socket),
        new HttpLink({ uri: url, headers }),
      ),
    });
    const query = gql(TASK);
    return {
      watch: (told) =>
        client.watchQuery({ query, variables: { id } }).subscribe(({ data }) => told(data?.task)),
      current: () => client.readQuery({ query, variables: { id } }).task,
      read: (document, variables) => client.query({ query: gql(document), variables }),
      follow(document, variables, told) {
        client.subscribe({ query: gql(document), variables }).subscribe(({ data }) => {
          if (field === 'snapshot') takeSnapshot(client.cache, data.taskStatusChanged.snapshot);
          told(data.taskStatusChanged);
        });
      },
    };
  },

  async graphcache() {
    const { Client, fetchExchange, gql, subscriptionExchange } = await import('@urql/core');
    const { cache } = await import('./graphcache.js');
    const forwardSubscription = (request) => ({
      subscribe: (sink) => ({ unsubscribe: socket.subscribe(request, sink) }),
    });
    const client = new Client({
      url,
      exchanges: [cache, fetchExchange, subscriptionExchange({ forwardSubscription })],
      fetchOptions: { headers },
      preferGetMethod: false,
    });
    const query = gql(TASK);
    return {
      watch: (told) => client.query(query, { id }).subscribe(({ data }) => told(data?.task)),
      current: () => client.readQuery(query, { id }, { requestPolicy: 'cache-only' }).data.task,
      // Not `toPromise()`: it ends a request before its connection has, and node reports that.
      read: (document, variables) =>
        new Promise((done) => client.query(gql(document), variables).subscribe(done)),
      follow(document, variables, told) {
        client.subscription(gql(document), variables).subscribe(({ data }) => told(data.taskStatusChanged));
      },
    };
  },

  async relay() {
    const { default: relay } = await import('relay-runtime');
    const { updater } = await import('./relay.js');
    // The compiler has named what it made by the names in the documents.
    const compiled = async (document) => {
      const [, made] = document.match(/(?:query|subscription) (\w+)/);
      return (await import(`./__generated__/${made}.graphql.js`)).default;
    };
    const post = async ({ text }, variables) => {
      const body = JSON.stringify({ query: text, variables });
      const sent = { ...headers, 'content-type': 'application/json' };
      return (await fetch(url, { method: 'POST', headers: sent, body })).json();
    };
    const environment = new relay.Environment({
      network: relay.Network.create(post, ({ text }, variables) =>
        relay.Observable.create((sink) => socket.subscribe({ query: text, variables }, sink)),
      ),
      store: new relay.Store(new relay.RecordSource()),
    });
    const query = await compiled(TASK);
    const operation = relay.createOperationDescriptor(relay.getRequest(query), { id });
    const current = () => environment.lookup(operation.fragment).data.task;
    return {
      async watch(told) {
        environment.retain(operation);
        await relay.fetchQuery(environment, query, { id }).toPromise();
        told(current());
        environment.subscribe(environment.lookup(operation.fragment), ({ data }) => told(data.task));
      },
      current,
      read: async (document, variables) =>
        relay.fetchQuery(environment, await compiled(document), variables).toPromise(),
      async follow(document, variables, told) {
        const subscription = await compiled(document);
        relay.requestSubscription(environment, {
          subscription,
          variables,
          updater: field === 'snapshot' ? updater : undefined,
          onNext: ({ taskStatusChanged }) => told(taskStatusChanged),
        });
      },
    };
  },
};

// Those who watch are told in turns of their own, so it is told after them.
function tell(what, more = {}) {
  const { version } = store.current();
  setTimeout(() => console.log(JSON.stringify({ what, version, watched, ...more })), 50);
}

const store = await openings[name]();
await new Promise((known) =>
  store.watch((task) => {
    if (!task) return;
    if (watched.at(-1) !== task.version) watched.push(task.version);
    known();
  }),
);
tell('task');
await store.read(EVENTS[field], { after: cursor });
tell('events');
await store.follow(CHANGES[field], { after: cursor }, ({ seq }) => tell('event', { seq }));
