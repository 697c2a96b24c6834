// What the section of imports asks the server.

const JOB = `id state fileName source total created updated unchanged alreadyOpen suppressed booked rejected takenBack leftAlone
  createdAt undoUntil queue { name } columns { name field }`;

const ROW = `line cells { column value } errors { code message field }`;

export const IMPORTS = `{
  queues { id name }
  importJobs(first: 20) { nodes { ${JOB} } }
}`;

export const PREVIEW = `query ($input: ImportOrderInput!) {
  importPreview(input: $input) {
    columns { name field guessed } samples { line cells { column value } }
    total lookedAt created updated unchanged alreadyOpen suppressed booked rejected
    rejects { ${ROW} } errors { code message field }
  }
}`;

export const START_IMPORT = `mutation ($input: ImportOrderInput!) {
  startImport(input: $input) { job { ${JOB} } errors { code message field } }
}`;

export const PROGRESS = `subscription ($id: ID!) { importProgress(importId: $id) { ${JOB} } }`;

export const REJECTS = `query ($id: ID!, $after: String) {
  importJob(id: $id) {
    ${JOB} missingGuarantors
    rejects(first: 50, after: $after) { nodes { ${ROW} } pageInfo { hasNextPage endCursor } }
  }
}`;

export const MEND_ROW = `mutation ($input: MendImportRowInput!) {
  mendImportRow(input: $input) { result job { ${JOB} } errors { code message field } }
}`;

export const UNDO_IMPORT = `mutation ($id: ID!) {
  undoImport(importId: $id) { job { ${JOB} } errors { code message field } }
}`;
