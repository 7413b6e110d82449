// TCP ports that nobody else takes while the test runs: not between their choice and their use either, nor while what
// listens on them is restarted.
import { createServer } from 'node:net';

// Below the range from which Linux takes ports of outgoing connections, and that of tests/integration.
const first = 10_000;
const last = 15_999;
// Who listens on a port here has claimed it. It is an address of the loopback network that nobody serves on.
const claims = '127.77.77.77';

/** A server that listens, or null where somebody else does. */
function listen(port, host) {
	return new Promise((resolve, reject) => {
		const server = createServer();
		server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
		server.listen({ port, host }, () => resolve(server));
	});
}

async function isFree(port) {
	const everywhere = await listen(port);
	if (everywhere) await new Promise((resolve) => everywhere.close(resolve));
	return everywhere !== null;
}

/** A free port, claimed until this process ends. */
export async function claimPort() {
	while (true) {
		const port = first + Math.floor(Math.random() * (last - first + 1));
		// In this order: a claim is somebody who listens.
		const claim = (await isFree(port)) && (await listen(port, claims));
		if (!claim) continue;
		claim.unref();
		return port;
	}
}
