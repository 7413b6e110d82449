import { useRef, useState } from 'preact/hooks';

/** A line of text to take along. */
export function CopyLine({ label, text }) {
	const field = useRef(null);
	const [isCopied, setCopied] = useState(false);
	const copy = async () => {
		field.current.select();
		try {
			await navigator.clipboard.writeText(text);
			setCopied(true);
			setTimeout(() => setCopied(false), 2000);
		} catch {
			// Where the browser forbids it, the text is selected, and people copy it themselves.
		}
	};
	return (
		<p class="copy">
			<label>{label} <input readOnly ref={field} value={text} onFocus={(event) => event.target.select()} /></label>
			<button type="button" onClick={copy}>{isCopied ? 'Copied' : 'Copy'}</button>
		</p>
	);
}
