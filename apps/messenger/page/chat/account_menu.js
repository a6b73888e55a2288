// The menu behind one's own name.

import { changePassword, inviteSomebody, newRecoveryCode, signOut, signOutEverywhere } from "../account/settings.js";
import { showMenu } from "../ui/popover.js";
import { nextTheme, theme } from "../ui/theme.js";
import { toast } from "../ui/toast.js";
import { goTo } from "./routes.js";
import { showShortcuts } from "./shortcuts.js";

const THEMES = { system: "as the system", light: "light", dark: "dark" };

export function accountMenu(app, anchor) {
  const { is_admin: isAdmin } = app.store.me;
  showMenu(anchor, "Your account", [
    (isAdmin || app.mode === "invitation") && { label: "Invite somebody", icon: "add", act: inviteSomebody },
    isAdmin && { label: "People", icon: "people", act: () => goTo("#/people") },
    isAdmin && { label: "Event flow", icon: "flow", act: () => window.open("/flow", "_blank", "noopener") },
    { label: `Appearance: ${THEMES[theme()]}`, icon: "smile", act: () => toast(`Appearance: ${THEMES[nextTheme()]}.`) },
    { label: "Keyboard", icon: "hash", act: showShortcuts },
    { label: "Change password", icon: "lock", act: changePassword },
    { label: "New recovery code", icon: "lock", act: newRecoveryCode },
    { label: "Sign out everywhere", icon: "leave", act: signOutEverywhere },
    { label: "Sign out", icon: "leave", act: signOut },
  ]);
}
