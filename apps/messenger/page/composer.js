// Writing. Enter sends, Shift and Enter begins a new line; the field grows with the text.

export class Composer {
  #text;
  #button;

  constructor(form, text, button, onSend) {
    this.#text = text;
    this.#button = button;
    text.addEventListener("input", () => this.#fit());
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const value = text.value.trim();
      if (!value) return;
      text.value = "";
      this.#fit();
      text.focus();
      onSend(value);
    });
  }

  focus() {
    this.#text.focus();
  }

  #fit() {
    this.#button.disabled = this.#text.value.trim() === "";
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }
}
