// What each store is asked, once with `snapshot` and once with the deprecated `task`. Relay's compiler
// reads this file too: the names are as it wants them.
const graphql = ([text]) => text;

export const TASK = graphql`
  query documentsTaskQuery($id: ID!) {
    task(id: $id) { id version statusLabel followUp }
  }
`;

export const EVENTS = {
  snapshot: graphql`
    query documentsEventsQuery($after: String) {
      events(after: $after, first: 1) {
        nodes { seq snapshot { taskId version statusLabel followUp } }
      }
    }
  `,
  task: graphql`
    query documentsOldEventsQuery($after: String) {
      events(after: $after, first: 1) {
        nodes { seq task { id version statusLabel followUp } }
      }
    }
  `,
};

export const CHANGES = {
  snapshot: graphql`
    subscription documentsChangesSubscription($after: String) {
      taskStatusChanged(after: $after) { seq snapshot { taskId version statusLabel followUp } }
    }
  `,
  task: graphql`
    subscription documentsOldChangesSubscription($after: String) {
      taskStatusChanged(after: $after) { seq task { id version statusLabel followUp } }
    }
  `,
};
