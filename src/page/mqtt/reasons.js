// Reasons of MQTT 5 that mean something to the page, and what they mean to people.

export const reasons = {
	notAuthorized: 0x87,
	badUserNameOrPassword: 0x86,
	serverUnavailable: 0x88,
	serverBusy: 0x89,
	badAuthenticationMethod: 0x8c,
	quotaExceeded: 0x97,
	connectionRateExceeded: 0x9f,
};

/** What the server has answered with a reason of 0x80 or more. */
export class Refused extends Error {
	constructor(reason, message) {
		super(message);
		this.reason = reason;
	}
}

const sentences = new Map([
	[reasons.badUserNameOrPassword, 'The server does not accept this name and password. '
		+ 'Either the password is wrong, or there is no such account, or it is disabled.'],
	[reasons.connectionRateExceeded, 'Too many failed logins. Try again in a few minutes.'],
	[reasons.serverUnavailable, 'The server cannot check passwords now. Try again later.'],
	[reasons.serverBusy, 'The server is busy. Try again later.'],
	[reasons.badAuthenticationMethod, 'The server offers this account no way to sign in from here.'],
]);

/** Why the server does not let us in, in a sentence. `said` is its Reason String, which may be missing. */
export function whyRefused(reason, said, isLogin) {
	if (sentences.has(reason)) return sentences.get(reason);
	if (reason === reasons.notAuthorized && !isLogin) return 'This server lets nobody in without an account.';
	return `The server refuses: ${said ?? `reason 0x${reason.toString(16)}`}.`;
}
