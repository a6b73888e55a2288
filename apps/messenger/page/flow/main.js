// What passes through the messenger, for administrators: events as they come, the groups that handle them, and what
// could not be handled. Of direct messages there is a type and a count, here and on the server.

import { fill, h } from "../ui/dom.js";
import { applyTheme } from "../ui/theme.js";
import { Events } from "./events.js";
import { Groups } from "./groups.js";
import { Letters } from "./letters.js";

applyTheme();

const letters = new Letters();
const events = new Events();
const groups = new Groups({ onLetters: (group) => letters.show(group) });

fill(document.getElementById("app"),
  h("header", { class: "flow-head" },
    h("img", { src: "/icon.svg", alt: "", width: "32", height: "32" }),
    h("h1", {}, "Flow"), h("p", {}, "What happens in the messenger, as it happens"),
    h("a", { href: "/" }, "Back to the messenger")),
  h("main", { class: "flow" }, groups.node, letters.node, events.node));
events.start();
groups.start();
