// Light, dark, or as the system has it.

const STORED = "theme";

export function theme() {
  return localStorage.getItem(STORED) ?? "system";
}

export function setTheme(choice) {
  if (choice === "system") localStorage.removeItem(STORED);
  else localStorage.setItem(STORED, choice);
  applyTheme();
}

export function applyTheme() {
  const choice = theme();
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}

export function nextTheme() {
  const order = ["system", "light", "dark"];
  const next = order[(order.indexOf(theme()) + 1) % order.length];
  setTheme(next);
  return next;
}
