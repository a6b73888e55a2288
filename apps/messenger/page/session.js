// Who is signed in. The session is a cookie that scripts cannot read; the connection's short token is asked for with it.

export async function currentUser() {
  return post("/api/token");
}

export async function signIn(name) {
  return post("/api/sign-in", { name });
}

export async function signOut() {
  return post("/api/sign-out");
}

export class SignedOut extends Error {}

async function post(path, body = {}) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    credentials: "same-origin",
  });
  if (response.status === 401) throw new SignedOut("You are signed out.");
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? "The server did not answer as expected. Please try again.");
  return answer;
}
