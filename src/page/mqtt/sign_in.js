// How the page signs in: the password proves itself by SCRAM, and is sent only where the account has no SCRAM.
import { connect } from './connection.js';
import { Refused, reasons } from './reasons.js';
import { passwordKey } from './scram.js';

const methods = ['SCRAM-SHA-256', 'SCRAM-SHA-1'];

async function attempt(url, login) {
	return { client: await connect(url, login), login };
}

const isWithoutMethod = (error) => error instanceof Refused && error.reason === reasons.badAuthenticationMethod;

/** Gives { client, login }; with `login` connect() lets us in again. Fails as connect() does. */
export async function signIn(url, name, password) {
	if (!globalThis.crypto?.subtle) {
		throw new Error('This browser keeps passwords safe on https only: open this page by its address that begins with https.');
	}
	const key = await passwordKey(password);
	for (const method of methods) {
		try {
			return await attempt(url, { method, name, key });
		} catch (error) {
			if (!isWithoutMethod(error)) throw error;
		}
	}
	if (!url.startsWith('wss:')) {
		throw new Error('The account has no SCRAM, and its password is not sent unencrypted: open this page by its address that '
			+ 'begins with https.');
	}
	return attempt(url, { name, password });
}

export const enterWithoutLogin = (url) => attempt(url, null);
