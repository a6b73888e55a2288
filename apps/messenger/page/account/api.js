// What is asked over HTTP: accounts and everything for administrators. The session is a cookie that scripts cannot read.

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  get isSignedOut() {
    return this.status === 401 && this.code !== "credentials";
  }
}

export const get = (path) => ask(path, {});

export function post(path, body = {}) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new ApiError(0, "unreachable", "The server cannot be reached. Please try again.");
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  throw new ApiError(response.status, answer?.error ?? "unknown", words(response, answer));
}

function words(response, answer) {
  if (response.status === 429) {
    const seconds = Number(response.headers.get("Retry-After") ?? 0);
    return seconds > 0 ? `Too many attempts. Please try again in ${duration(seconds)}.` : "Too many attempts. Please wait a little.";
  }
  const message = answer?.message;
  if (!message) return "The server did not answer as expected. Please try again.";
  const sentence = message[0].toLocaleUpperCase() + message.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

const duration = (seconds) => (seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`);
