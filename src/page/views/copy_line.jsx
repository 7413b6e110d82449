import { useRef, useState } from 'preact/hooks';

/** A line of text to take along. */
export function CopyLine({ label, text }) {
	const line = useRef(null);
	const [isCopied, setCopied] = useState(false);
	const copy = async () => {
		getSelection().selectAllChildren(line.current);
		try {
			await navigator.clipboard.writeText(text);
			setCopied(true);
			setTimeout(() => setCopied(false), 2000);
		} catch {
			// Where the browser forbids it, the text is selected, and people copy it themselves.
		}
	};
	return (
		<section class="copy" aria-label={label}>
			<h3>{label}</h3>
			<code ref={line}>{text}</code>
			<button type="button" onClick={copy}>
				{isCopied ? 'Copied' : 'Copy'}
			</button>
		</section>
	);
}
