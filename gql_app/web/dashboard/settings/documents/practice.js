// What the section of the practice asks the server.

const SETTINGS = `name slug timeZone region restHours undoMinutes
    callingHours { weekday opens closes } holidays { date name }`;

export const PRACTICE = `{ practice { ${SETTINGS} } }`;

export const UPDATE_PRACTICE = `mutation ($input: UpdatePracticeInput!) {
  updatePractice(input: $input) {
    practice { ${SETTINGS} }
    errors { code message field }
  }
}`;
