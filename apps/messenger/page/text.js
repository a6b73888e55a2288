// A message's text as nodes: mentions stand out. Nothing a person writes is ever read as markup.

const MENTION = /@[\p{L}\p{N}_.-]*[\p{L}\p{N}_]/gu;

export function richText(text, myName) {
  const mine = new Set([myName, myName.split(/\s+/)[0]].map((name) => `@${name}`.toLocaleLowerCase()));
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(MENTION)) {
    const before = text[match.index - 1];
    if (before !== undefined && /[\p{L}\p{N}]/u.test(before)) continue;
    nodes.push(text.slice(end, match.index));
    const mention = document.createElement("span");
    mention.className = mine.has(match[0].toLocaleLowerCase()) ? "mention me-too" : "mention";
    mention.textContent = match[0];
    nodes.push(mention);
    end = match.index + match[0].length;
  }
  nodes.push(text.slice(end));
  return nodes;
}
