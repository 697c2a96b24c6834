// What the section of the practice asks the server.

export const PRACTICE = `{ practice { name slug timeZone region restHours undoMinutes } }`;

export const UPDATE_PRACTICE = `mutation ($input: UpdatePracticeInput!) {
  updatePractice(input: $input) {
    practice { name slug timeZone region restHours undoMinutes }
    errors { code message field }
  }
}`;
