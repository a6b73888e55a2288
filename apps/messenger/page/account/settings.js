// One's own account, once signed in.

import { h } from "../ui/dom.js";
import { confirm, field, form, showDialog } from "../ui/dialog.js";
import { attempt, toast } from "../ui/toast.js";
import { icon } from "../ui/icons.js";
import { ago } from "../ui/time.js";
import { post } from "./api.js";
import { showRecovery } from "./recovery.js";

export function changePassword() {
  return showDialog("Change password", (close) => form({
    action: "Change password",
    fields: [
      field("Current password", { name: "current", type: "password", autocomplete: "current-password", required: true, autofocus: true }),
      field("New password", { name: "new", type: "password", autocomplete: "new-password", minlength: "8", maxlength: "256", required: true },
        "Your other devices are signed out."),
    ],
    submit: async (values) => {
      const { recovery } = await post("/api/password", values);
      close();
      toast("Your password is changed.");
      if (recovery) showRecovery(recovery);
    },
  }));
}

export function newRecoveryCode() {
  return showDialog("New recovery code", (close) => [
    h("p", { class: "lead" }, "The code that you have now will be of no use any more."),
    form({
      action: "Make a new code",
      fields: field("Password", { name: "password", type: "password", autocomplete: "current-password", required: true, autofocus: true }),
      submit: async (values) => {
        const { recovery } = await post("/api/recovery", values);
        close();
        showRecovery(recovery);
      },
    }),
  ]);
}

export async function signOut() {
  await attempt(() => post("/api/sign-out"));
  location.replace("/");
}

export async function signOutEverywhere() {
  const isSure = await confirm("Sign out everywhere?", "Every device that is signed in with your account, this one too, is signed out.", "Sign out everywhere");
  if (!isSure) return;
  if (await attempt(() => post("/api/sign-out-everywhere"))) location.replace("/");
}

export async function inviteSomebody() {
  const invitation = await attempt(() => post("/api/invitations"));
  if (invitation) await showLink("Invitation", "Whoever opens this link may create one account within a week.", invitation.link);
}

// A link to hand to somebody, with a button that copies it.
export function showLink(title, words, link) {
  const address = new URL(link, location.href).href;
  return showDialog(title, () => {
    const input = h("input", { type: "text", readonly: true, value: address, "aria-label": "Link", autofocus: true, onfocus: (event) => event.target.select() });
    return [
      h("p", { class: "lead" }, words),
      h("div", { class: "copy-row" }, input, h("button", {
        type: "button", class: "primary compact",
        onclick: async () => {
          input.select();
          await navigator.clipboard?.writeText(address).catch(() => {});
          toast("Copied.");
        },
      }, icon("copy", 18), "Copy")),
    ];
  });
}

const NOTICES = {
  reset_started: (by) => `${by ?? "An administrator"} started a reset of your password. You alone can complete it. If you did not ask for it, refuse it.`,
  reset_completed: () => "Your password was reset. If that was not you, tell an administrator at once.",
  reset_cancelled: () => "The reset of your password was refused; your password is as it was.",
};

// What happened to one's account meanwhile. It stays until one says that it is seen.
export function noticeBar(notices, onDone) {
  if (notices.length === 0) return null;
  const isOpen = notices.some(({ kind }) => kind === "reset_started") &&
    !notices.some(({ kind }) => kind === "reset_completed" || kind === "reset_cancelled");
  const done = async () => {
    if (await attempt(() => post("/api/notices/seen"))) onDone();
  };
  const refuse = async () => {
    if (await attempt(() => post("/api/reset/cancel"))) {
      toast("Refused: your password stays as it is.");
      await done();
    }
  };
  // Signed in, one has proven who one is: the link opens here.
  const choose = async () => {
    const made = await attempt(() => post("/api/reset/claim"));
    if (!made) return;
    location.hash = `#reset=${made.reset}`;
    location.reload();
  };
  return h("section", { class: "notices", "aria-label": "About your account" },
    notices.map((notice) => h("p", {}, NOTICES[notice.kind]?.(notice.by) ?? "", h("small", {}, ` ${ago(Date.parse(notice.at))}`))),
    h("div", { class: "notice-actions" },
      isOpen && h("button", { type: "button", class: "primary compact", onclick: choose }, "Choose a new password"),
      isOpen && h("button", { type: "button", class: "quiet", onclick: refuse }, "Refuse the reset"),
      h("button", { type: "button", class: "quiet", onclick: done }, "All right")));
}
