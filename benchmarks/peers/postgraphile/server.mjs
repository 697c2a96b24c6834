// PostGraphile 5 as its documentation sets it up, over the benchmark's database: DATABASE_URL, PORT,
// POOL (connections). Nobody is authenticated here, which is in its favour.

// Node 20 lacks this, and is otherwise recent enough.
Promise.withResolvers ??= function withResolvers() {
  const parts = {};
  parts.promise = new this((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

const { createServer } = await import("node:http");
const { postgraphile } = await import("postgraphile");
const { PostGraphileAmberPreset } = await import("postgraphile/presets/amber");
const { makePgService } = await import("postgraphile/adaptors/pg");
const { grafserv } = await import("postgraphile/grafserv/node");
const { addPgTableCondition } = await import("postgraphile/utils");

// Conditions compare for equality only. This one is written so that the work list's partial index
// covers it.
const workable = addPgTableCondition(
  { schemaName: "public", tableName: "task" },
  "workable",
  (build) => ({ type: build.graphql.GraphQLBoolean }),
  (value, { sql, sqlTableAlias }) =>
    value ? sql`${sqlTableAlias}.status in ('OPEN', 'IN_PROGRESS')` : null,
);

const preset = {
  extends: [PostGraphileAmberPreset],
  plugins: [workable],
  // It would hide the order by due_on, which stands second in its index.
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: ["public"],
      poolConfig: { max: Number(process.env.POOL) },
    }),
  ],
  grafserv: { graphiql: false, watch: false, websockets: false },
  grafast: { explain: false },
};

const server = createServer();
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(Number(process.env.PORT), "127.0.0.1");
