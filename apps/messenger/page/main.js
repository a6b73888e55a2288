// The page: signing in, then the room. Plain modules, no build step.

import { currentUser, signIn, signOut } from "./session.js";
import { Room } from "./room.js";
import { Timeline } from "./timeline.js";
import { MessageList } from "./messages.js";
import { Composer } from "./composer.js";
import { describePresence } from "./presence.js";
import { paintAvatar } from "./avatar.js";

const element = (id) => document.getElementById(id);
const chat = element("chat");
const signInPage = element("sign-in");

let room;

function showSignIn() {
  chat.hidden = true;
  signInPage.hidden = false;
  element("name").value = localStorage.getItem("name") ?? "";
  element("name").focus();
}

function enter(user) {
  signInPage.hidden = true;
  chat.hidden = false;
  localStorage.setItem("name", user.name);
  paintAvatar(element("me-avatar"), user.user, user.name);
  element("me-avatar").title = user.name;

  const timeline = new Timeline(user);
  const list = new MessageList(timeline, {
    scroller: element("scroller"), list: element("messages"), older: element("older"), empty: element("empty"),
    jump: element("jump"), jumpText: element("jump-text"),
    onReachTop: () => room.loadOlder(),
    onResend: (id) => room.resend(id),
  });
  room = new Room(timeline, {
    onState: showConnection,
    onPresence: (people) => { element("presence").textContent = describePresence(people, timeline.me.user); },
    onLoading: (isLoading) => { element("older").hidden = !isLoading; },
    onSignedOut: showSignIn,
  });
  const composer = new Composer(element("composer"), element("text"), element("send"), (text) => {
    room.send(text);
    list.scrollToEnd();
  });
  room.connect();
  composer.focus();
}

function showConnection(state, text) {
  element("banner").hidden = state === "connected";
  element("banner-text").textContent = text;
  document.body.dataset.connection = state;
}

element("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = element("sign-in-problem");
  problem.hidden = true;
  try {
    enter(await signIn(element("name").value));
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
});

element("sign-out").addEventListener("click", async () => {
  room?.close();
  await signOut();
  location.reload();
});

const user = await currentUser().catch(() => null);
if (user) enter(user);
else showSignIn();
