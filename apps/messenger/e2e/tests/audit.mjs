// What assistive technology is told of a page, judged by the browser's own accessibility tree and by the document.

const NAMED = new Set([
  "button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "switch", "menuitem", "option", "img", "image",
  "dialog", "menu", "listbox", "navigation", "region", "complementary", "table", "heading", "columnheader",
]);

/** What is wrong with the page as it stands, in words; empty when nothing is. */
export async function audit(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  const nameless = nodes.filter(({ ignored, role, name }) => !ignored && NAMED.has(role?.value) && !name?.value?.trim());
  return [...nameless.map(({ role }) => `a ${role.value} without a name`), ...(await page.evaluate(inDocument))];
}

function inDocument() {
  const problems = [];
  if (!document.documentElement.lang) problems.push("no language");
  if (!document.title) problems.push("no title");
  const count = (selector) => [...document.querySelectorAll(selector)].filter((node) => node.checkVisibility()).length;
  if (count("main") !== 1 && count("dialog[open]") === 0) problems.push(`${count("main")} main parts`);
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  for (const id of ids.filter((id, index) => ids.indexOf(id) !== index)) problems.push(`two of the id ${id}`);
  for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls", "aria-activedescendant", "for"]) {
    for (const node of document.querySelectorAll(`[${attribute}]`)) {
      const missing = node.getAttribute(attribute).split(/\s+/).filter((id) => id && !document.getElementById(id));
      if (missing.length > 0) problems.push(`${attribute} of nothing: ${missing}`);
    }
  }
  for (const node of document.querySelectorAll("img:not([alt])")) problems.push(`a picture without words: ${node.src}`);
  for (const node of document.querySelectorAll("[tabindex]")) if (node.tabIndex > 0) problems.push("an order of its own for the tab key");
  for (const node of document.querySelectorAll("button button, a button, button a")) problems.push(`one in another: ${node.outerHTML}`);
  for (const node of document.querySelectorAll("[onclick]")) problems.push(`inline: ${node.outerHTML}`);
  return problems;
}
