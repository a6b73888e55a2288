// Before somebody is in: sign in, sign up, choose a new password with a link, or in place of a one-time password; and
// prove with the recovery code that one may.

import { fill, h } from "../ui/dom.js";
import { field, form } from "../ui/dialog.js";
import { post } from "./api.js";
import { WORDS, codeRow } from "./recovery.js";

const NAME = { name: "name", autocomplete: "username", maxlength: "32", required: true, spellcheck: "false", autocapitalize: "none" };
const PASSWORD_HINT = "At least 8 characters. A few words in a row are a good one.";

export class Entrance {
  #place;
  #mode;
  #onEntered;

  // `mode` is how people may sign up: open, invitation, closed.
  constructor(place, mode, onEntered) {
    this.#place = place;
    this.#mode = mode;
    this.#onEntered = onEntered;
  }

  // `person` is signed in already, but with a one-time password.
  show(person) {
    const link = new URLSearchParams(location.hash.slice(1));
    if (link.has("reset")) this.#reset(link.get("reset"));
    else if (person?.must_change) this.#replace({ person });
    else if (link.has("invitation")) this.#signUp(link.get("invitation"));
    else this.#signIn();
  }

  #signIn() {
    const submit = async ({ name, password }) => {
      const entered = await post("/api/sign-in", { name, password });
      if (entered.person.must_change) this.#replace(entered, password);
      else this.#enter(entered);
    };
    this.#card("Welcome back", "Sign in to go on where you left.", form({
      action: "Sign in",
      submit,
      fields: [
        field("Name", { ...NAME, value: localStorage.getItem("name") ?? "" }),
        field("Password", { name: "password", type: "password", autocomplete: "current-password", required: true }),
      ],
    }), this.#other("Forgot your password?", "Use your recovery code", () => this.#prove()),
    this.#mode === "open" && this.#other("New here?", "Create an account", () => this.#signUp()),
    this.#mode === "invitation" && h("p", { class: "aside" }, "New here? Ask for an invitation link."));
  }

  #signUp(invitation) {
    const submit = async ({ name, password }) => {
      const entered = await post("/api/sign-up", { name, password, invitation });
      if (invitation) history.replaceState(null, "", location.pathname);
      this.#keep(entered.recovery, () => this.#enter(entered));
    };
    const lead = invitation ? "You are invited. Choose a name and a password." : "Choose a name and a password, and you are in.";
    this.#card("Create your account", lead, form({
      action: "Create account",
      submit,
      fields: [
        field("Name", NAME, "Letters, digits, - _ and . — this is how others mention you."),
        field("Password", { name: "password", type: "password", autocomplete: "new-password", minlength: "8", maxlength: "256", required: true }, PASSWORD_HINT),
      ],
    }), this.#other("Have an account?", "Sign in", () => this.#signIn()));
  }

  // An administrator has started a reset; whose it is, the code says.
  #prove() {
    const submit = async ({ name, recovery }) => {
      const { reset } = await post("/api/reset/prove", { name, recovery }).catch((error) => {
        if (error.code === "credentials") error.message = "That does not fit: the name, the code, or no reset was started for it.";
        throw error;
      });
      this.#reset(reset);
    };
    this.#card("Forgot your password?", "Ask an administrator to start a reset. Then your recovery code lets you choose a new password; so does any device on which you are still signed in.", form({
      action: "Go on",
      submit,
      fields: [
        field("Name", { ...NAME, value: localStorage.getItem("name") ?? "" }),
        field("Recovery code", { name: "recovery", autocomplete: "off", required: true, maxlength: "64", spellcheck: "false", autocapitalize: "none" }),
      ],
    }), this.#other("Know your password?", "Sign in", () => this.#signIn()));
  }

  // The recovery code, until one says that it is kept.
  #keep(code, go) {
    this.#card("Your recovery code", WORDS, codeRow(code),
      h("div", { class: "dialog-actions" }, h("button", { type: "button", class: "primary", onclick: go }, "I have kept it")));
    this.#place.querySelector("button.primary").focus();
  }

  #reset(reset) {
    const submit = async ({ password }) => {
      const { recovery } = await post("/api/reset", { reset, password });
      history.replaceState(null, "", location.pathname);
      this.#keep(recovery, () => {
        this.#signIn();
        this.#place.querySelector(".card .lead").textContent = "Your new password is set. Sign in with it.";
      });
    };
    this.#card("Choose a new password", "This link works once. Afterwards you are signed out everywhere.", form({
      action: "Set password",
      submit,
      fields: field("New password", { name: "password", type: "password", autocomplete: "new-password", minlength: "8", maxlength: "256", required: true }, PASSWORD_HINT),
    }), this.#other("Know your password?", "Sign in", () => {
      history.replaceState(null, "", location.pathname);
      this.#signIn();
    }));
  }

  // A one-time password opens nothing but this.
  #replace(entered, oneTime) {
    const submit = async ({ current = oneTime, new: chosen }) => {
      const { recovery } = await post("/api/password", { current, new: chosen });
      const enter = () => this.#enter({ ...entered, person: { ...entered.person, must_change: false } });
      if (recovery) this.#keep(recovery, enter);
      else enter();
    };
    this.#card("Choose your password", "The one you came in with works this once only.", form({
      action: "Set password",
      submit,
      fields: [
        !oneTime && field("One-time password", { name: "current", type: "password", autocomplete: "current-password", required: true }),
        field("New password", { name: "new", type: "password", autocomplete: "new-password", minlength: "8", maxlength: "256", required: true }, PASSWORD_HINT),
      ],
    }));
  }

  #enter(entered) {
    localStorage.setItem("name", entered.person.name);
    this.#onEntered(entered);
  }

  #card(title, lead, ...content) {
    fill(this.#place, h("div", { class: "card" },
      h("img", { class: "mark", src: "/icon.svg", alt: "", width: "52", height: "52" }),
      h("h1", {}, title), h("p", { class: "lead" }, lead), content));
    const inputs = [...this.#place.querySelectorAll("input")];
    (inputs.find((input) => !input.value) ?? inputs[0])?.focus();
  }

  #other(question, action, act) {
    return h("p", { class: "aside" }, question, " ", h("button", { type: "button", class: "link", onclick: act }, action));
  }
}
