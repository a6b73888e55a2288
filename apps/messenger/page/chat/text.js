// A message's text as nodes: mentions and links stand out. Nothing a person writes is ever read as markup, and a link is
// only what visibly begins with http:// or https://.

import { h } from "../ui/dom.js";

const SPECIAL = /(?<link>https?:\/\/[^\s<>"'`]+)|@(?<name>[\p{L}\p{N}_.-]*[\p{L}\p{N}_])/giu;
const WORD = /[\p{L}\p{N}_]/u;

export function richText(text, myName, isPerson = () => true) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(SPECIAL)) {
    const before = text[match.index - 1];
    if (before !== undefined && WORD.test(before)) continue;
    const { link, name } = match.groups;
    const node = link ? linkNode(link) : isPerson(name) && mentionNode(name, myName);
    if (!node) continue;
    nodes.push(text.slice(end, match.index), node);
    end = match.index + node.textContent.length;
  }
  nodes.push(text.slice(end));
  return nodes.filter((node) => node !== "");
}

// Whether a text names the person.
export function mentions(text, name) {
  const wanted = name.toLocaleLowerCase();
  for (const match of text.matchAll(SPECIAL)) {
    const before = text[match.index - 1];
    if (before !== undefined && WORD.test(before)) continue;
    if (match.groups.name?.toLocaleLowerCase() === wanted) return true;
  }
  return false;
}

function mentionNode(name, myName) {
  const isMe = name.toLocaleLowerCase() === myName.toLocaleLowerCase();
  return h("span", { class: isMe ? "mention me-too" : "mention" }, `@${name}`);
}

function linkNode(found) {
  const shown = withoutTail(found);
  let address;
  try {
    address = new URL(shown);
  } catch {
    return null;
  }
  if (address.protocol !== "http:" && address.protocol !== "https:") return null;
  return h("a", { href: address.href, target: "_blank", rel: "noopener noreferrer nofollow", referrerpolicy: "no-referrer" }, shown);
}

// What ends the sentence does not belong to the address; a closing bracket does if it was opened in it.
function withoutTail(link) {
  let text = link.replace(/[.,:;!?]+$/u, "");
  while (text.endsWith(")") && text.split(")").length > text.split("(").length) text = text.slice(0, -1).replace(/[.,:;!?]+$/u, "");
  return text;
}
