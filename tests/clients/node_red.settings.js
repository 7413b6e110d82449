// Node-RED without its editor: it runs node_red.flow.json, prints the flow's transcript, and logs to standard error.
'use strict';

module.exports = {
	httpAdminRoot: false,
	httpNodeRoot: false,
	credentialSecret: false,
	telemetry: { enabled: false, updateNotification: false },
	functionGlobalContext: { print: (line) => console.log(line) },
	logging: {
		standard_error: {
			level: 'info',
			handler: () => (entry) => console.error(entry.msg),
		},
	},
};
