// What happened on the connection, newest last: for the console, and for tests.

const LENGTH_MAX = 500;

export const log = [];

export function note(event, details = {}) {
  log.push({ event, ...details });
  if (log.length > LENGTH_MAX) log.shift();
}

globalThis.messenger = { log };
