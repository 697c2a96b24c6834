// Passkeys, as the browser makes them and signs in with them. Loaded when they are asked for.

import { BadRequest, request, signIn } from './api.js';

/** Who is invited: { name, practice, options }. `proof` is { invite }, or { add: true } for oneself. */
export const begin = (proof) => request('passkeys/options', proof);

/** Make a passkey for somebody by what `begin` gave, and have the server keep it. False if they changed
 *  their mind. */
export async function make(proof, { options }) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const made = await asked(() => navigator.credentials.create({ publicKey }));
  if (made) await request('passkeys', { ...proof, credential: made.toJSON() });
  return Boolean(made);
}

/** Sign in with a passkey that the person chooses. False if they changed their mind. */
export async function use() {
  const options = await request('passkeys/options', { signIn: true });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const answer = await asked(() => navigator.credentials.get({ publicKey }));
  if (answer) await signIn({ passkey: answer.toJSON() });
  return Boolean(answer);
}

async function asked(ask) {
  try {
    return await ask();
  } catch (error) {
    if (error.name === 'NotAllowedError' || error.name === 'AbortError') return null;
    if (error.name === 'InvalidStateError') {
      throw new BadRequest('This device has a passkey of yours already. Sign in with it.');
    }
    throw new BadRequest('This browser could not do it. Try another one.');
  }
}
