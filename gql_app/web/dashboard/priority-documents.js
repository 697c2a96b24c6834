// What is sent to say how urgent a task is.

export const SET_PRIORITY = `mutation ($ids: [ID!]!, $priority: TaskPriority!) {
  setTaskPriority(input: { ids: $ids, priority: $priority }) { skipped { code message } }
}`;
