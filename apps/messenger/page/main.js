// The page: whoever is not signed in comes through the entrance, everybody else into the messenger. Plain modules, no
// build step.

import { get } from "./account/api.js";
import { Entrance } from "./account/entrance.js";
import { Chat } from "./chat/app.js";
import { fill, h } from "./ui/dom.js";
import { applyTheme } from "./ui/theme.js";

const RETRY_MS = 2_000;
const place = document.getElementById("app");

applyTheme();
await begin();

async function begin() {
  const me = await whoAmI();
  const entrance = new URLSearchParams(location.hash.slice(1));
  if (me.person && !me.person.must_change && !entrance.has("reset")) {
    new Chat(place, me.person, me.notices, me.sign_up).start();
    return;
  }
  const main = h("main", { class: "entrance" });
  fill(place, main);
  const enter = ({ person, notices }) => new Chat(place, person, notices ?? [], me.sign_up).start();
  new Entrance(main, me.sign_up, enter).show(me.person);
}

// Until the server answers, as while it starts.
async function whoAmI() {
  for (;;) {
    try {
      return await get("/api/me");
    } catch (error) {
      if (error.status === 401) return { person: null, sign_up: "open", notices: [] };
      fill(place, h("main", { class: "entrance" }, h("p", { class: "waiting", role: "status" }, error.message)));
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
