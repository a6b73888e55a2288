// Initials on a colour that belongs to the person.

export function paintAvatar(node, user, name) {
  const words = name.trim().split(/\s+/);
  const ends = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  node.textContent = ends.map((word) => [...word][0] ?? "").join("").toLocaleUpperCase();
  let hash = 7;
  for (const character of user) hash = (hash * 31 + character.codePointAt(0)) >>> 0;
  node.style.setProperty("--hue", String((hash * 47) % 360));
}
