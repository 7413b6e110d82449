// A password as SASLprep prepares it (RFC 4013), so that the same password gives the same bytes on every keyboard.

const otherSpaces = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/gu; // RFC 3454, table C.1.2
const mappedToNothing = /[\u00AD\u034F\u1806\u180B-\u180D\u200C\u200D\u2060\uFE00-\uFE0F\uFEFF]/gu; // table B.1

export const saslprep = (password) => password.replace(otherSpaces, ' ').replace(mappedToNothing, '').normalize('NFKC');
