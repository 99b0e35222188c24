/** Milliseconds between the last answer and the end of connections that are still open. */
export const lastWords = 1_000;
