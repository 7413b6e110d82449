// How long the page's main thread is busy at a time, by the processor's time: what else the machine does is not in it.

const isTask = ({ ph, name }) => ph === 'X' && name.endsWith('RunTask');

/** From now on; what it returns ends that, and gives the milliseconds of the longest task. */
export async function watchTasks(page) {
	await page.tracing.start({ categories: ['toplevel'] });
	return async () => {
		const { traceEvents } = JSON.parse(new TextDecoder().decode(await page.tracing.stop()));
		const mainThreads = new Set(
			traceEvents
				.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
				.map(({ pid, tid }) => `${pid} ${tid}`),
		);
		const times = traceEvents
			.filter((event) => isTask(event) && mainThreads.has(`${event.pid} ${event.tid}`))
			.map(({ tdur }) => (tdur ?? 0) / 1000);
		return times.reduce((one, other) => Math.max(one, other), 0);
	};
}
