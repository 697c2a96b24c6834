// What the patients' page asks the server.

import { OPEN_STATUSES } from './workflow.js';

const TASK = `fragment OfPatient on Task {
  id reason priority isOpen statusLabel followUp followUpAt contactCount closedAt closeCause withdrawnReason closedBy { name }
  queue { name } assignee { name } externalIds { source id }
}`;

export const FOUND = `query ($search: String, $first: Int!, $after: String) {
  patients(search: $search, first: $first, after: $after) {
    nodes { id name phone contactStatus tasks(status: [${OPEN_STATUSES}], first: 5) { nodes { id } pageInfo { hasNextPage } } }
    pageInfo { hasNextPage endCursor }
  }
}`;

export const PATIENT = `query ($id: ID!, $contacts: Int!, $closed: Int!) {
  patient(id: $id) {
    id name phone version contactStatus contactStatusReason contactStatusSince contactStatusUntil
    timeZone language callerNote phones { number display href kind isWrong } externalIds { source id }
    household { guarantor { id } members { id name phone contactStatus } }
    merges { id at tasks appointments by { name } merged { id name phone } }
    appointments(first: 20) { nodes { id at externalId status kind } pageInfo { hasNextPage } }
    open: tasks(status: [${OPEN_STATUSES}], first: 30) { nodes { ...OfPatient } }
    closed: tasks(status: [CLOSED], first: $closed) { nodes { ...OfPatient } pageInfo { hasNextPage } }
    contacts(first: $contacts) {
      nodes {
        id outcome followUp followUpAt notes closedTask contactedAt loggedBy { name } undo { at reason by { name } }
        task { id reason queue { name } }
      }
      pageInfo { hasNextPage }
    }
  }
}
${TASK}`;

const ERRORS = `errors { code message field }`;

export const CREATE = `mutation ($name: String!, $phone: String!) {
  createPatient(input: { name: $name, phone: $phone }) { patient { id name } ${ERRORS} }
}`;

export const UPDATE = `mutation ($input: UpdatePatientInput!) {
  updatePatient(input: $input) {
    patient { id name phone version } ${ERRORS}
  }
}`;

export const SET_STATUS = `mutation ($id: ID!, $status: ContactStatus!, $reason: String, $until: Date) {
  setContactStatus(patientId: $id, status: $status, reason: $reason, until: $until) {
    patient { id name contactStatus } closed { id } offered { id reason queue { name } } ${ERRORS}
  }
}`;

export const SET_APPOINTMENT = `mutation ($id: ID!, $status: AppointmentStatus!) {
  setAppointmentStatus(id: $id, status: $status) {
    appointment { status } reopenedTasks { id } createdTasks { id } closedTasks { id } ${ERRORS}
  }
}`;

export const SET_GUARANTOR = `mutation ($id: ID!, $guarantor: ID) {
  setGuarantor(patientId: $id, guarantorId: $guarantor) { patient { id name household { members { id } } } ${ERRORS} }
}`;

export const NEW_TASK = `mutation ($input: CreateTaskInput!) {
  createTask(input: $input) { task { id queue { name } } ${ERRORS} }
}`;

export const MERGE = `mutation ($survivorId: ID!, $mergedId: ID!, $dryRun: Boolean!) {
  mergePatients(survivorId: $survivorId, mergedId: $mergedId, dryRun: $dryRun) {
    patient { id name } tasks openTasks contacts appointments ${ERRORS}
  }
}`;

export const UNMERGE = `mutation ($id: ID!, $anyway: Boolean!) {
  unmergePatients(mergeId: $id, keepLaterChanges: $anyway) {
    patient { id name } restored { id name } ${ERRORS}
  }
}`;
