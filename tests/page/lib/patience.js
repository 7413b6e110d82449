// How long a test waits for what has to come before it says that it has not: long, since the machine may have much else
// to do. No test passes or fails by how fast something is.
export const patience = 240_000; // milliseconds
