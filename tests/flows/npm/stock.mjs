// node stock.mjs URL KEY: what stock clients make of a server, each as a line of JSON.
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { serverAudits } from 'graphql-http';

const [url, key] = process.argv.slice(2);
const authorization = `Bearer ${key}`;
const tell = (what) => console.log(JSON.stringify(what));

let asked = []; // the requests of one client: method, status and type of the answer
async function watched(address, options) {
  const response = await fetch(address, options);
  const [type] = (response.headers.get('content-type') ?? '').split(';');
  asked.push(`${options?.method ?? 'GET'} ${response.status} ${type}`);
  return response;
}

async function ask(client, ask) {
  asked = [];
  const names = [];
  const [one, two] = ['{ viewer { role } }', '{ queues { name } }'];
  for (const query of [one, two, one]) names.push(await ask(query));
  tell({ client, names, asked });
}

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
for (const accept of [undefined, 'application/json']) {
  for (const useGETForHashedQueries of [false, true]) {
    const headers = { authorization, ...(accept && { accept }) };
    const client = new ApolloClient({
      cache: new InMemoryCache(),
      clientAwareness: { name: 'desk', version: '1' },
      link: ApolloLink.from([
        new PersistedQueryLink({ sha256, useGETForHashedQueries }),
        new HttpLink({ uri: url, headers, fetch: watched }),
      ]),
    });
    await ask(`apollo ${accept ?? 'as it is'} ${useGETForHashedQueries ? 'GET' : 'POST'}`, async (query) =>
      Object.keys((await client.query({ query: gql(query), fetchPolicy: 'network-only' })).data),
    );
  }
}

const persisted = persistedExchange({ preferGetForPersistedQueries: false });
for (const exchanges of [[fetchExchange], [persisted, fetchExchange]]) {
  const client = new Client({
    url,
    exchanges,
    fetchOptions: () => ({ headers: { authorization } }),
    preferGetMethod: false,
    fetch: watched,
  });
  await ask(`urql ${exchanges.length > 1 ? 'persisted' : 'plain'}`, async (query) => {
    const { data, error } = await client.query(query, {}, { requestPolicy: 'network-only' }).toPromise();
    return data ? Object.keys(data) : String(error);
  });
}

const fetchFn = (address, options = {}) =>
  fetch(address, { ...options, headers: { authorization, ...options.headers } });
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  tell({ audit: `${id} ${name}`, status, reason });
}
