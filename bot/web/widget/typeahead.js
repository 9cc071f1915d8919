// Questions that can be answered, offered while one is typed: a combobox with a list
// (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/). Focus stays in the field.

import { el } from "./dom.js";

const PAUSE = 180; // milliseconds without a key before the server is asked
const SHORTEST = 2; // characters

export class Typeahead {
  #field;
  #list;
  #timer = 0;
  #pending = null;
  #active = -1;
  #known = new Map();

  /** `find(begun, signal)` gives questions; `pick(question)` takes one; `found(n)` tells how many. */
  constructor(field, list, { find, pick, found, language }) {
    this.#field = field;
    this.#list = list;
    Object.assign(this, { find, pick, found, language, enabled: true });
    field.addEventListener("input", () => this.#typed());
    field.addEventListener("blur", () => this.close());
    // Pressing the mouse must not take the focus, or the list would close before the click.
    list.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  get isOpen() { return !this.#list.hidden; }

  /** Takes the keys that are the list's; true where it did. */
  key(event) {
    const options = [...this.#list.children];
    if (event.key === "Escape" && this.isOpen) {
      this.close();
      return true;
    }
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && this.isOpen) {
      const step = event.key === "ArrowDown" ? 1 : -1;
      const places = options.length + 1; // and the field itself
      this.#activate(((this.#active + 1 + step + places) % places) - 1);
      return true;
    }
    if (event.key === "Enter" && this.isOpen && this.#active >= 0) {
      options[this.#active].click();
      return true;
    }
    return false;
  }

  close() {
    clearTimeout(this.#timer);
    this.#pending?.abort();
    this.#pending = null;
    this.#list.hidden = true;
    this.#field.setAttribute("aria-expanded", "false");
    this.#activate(-1);
  }

  #typed() {
    const begun = this.#field.value.trim();
    clearTimeout(this.#timer);
    this.#pending?.abort();
    if (!this.enabled || begun.length < SHORTEST) {
      this.close();
      return;
    }
    this.#timer = setTimeout(() => this.#search(begun), PAUSE);
  }

  async #search(begun) {
    this.#pending = new AbortController();
    const { signal } = this.#pending;
    try {
      const questions = this.#known.get(begun) ?? await this.find(begun, signal);
      this.#known.set(begun, questions);
      if (!signal.aborted && this.#field.value.trim() === begun) this.#show(questions);
    } catch { // no suggestions is no fault: the question can be asked without
      if (!signal.aborted) this.close();
    }
  }

  #show(questions) {
    this.#activate(-1);
    this.#list.replaceChildren(...questions.map((question, at) =>
      el("li", {
        role: "option", id: `option-${at}`, part: "completion", "aria-selected": "false", lang: this.language, dir: "auto",
        click: () => { this.close(); this.pick(question); },
      }, question)));
    this.#list.hidden = questions.length === 0;
    this.#field.setAttribute("aria-expanded", String(questions.length > 0));
    this.found(questions.length);
  }

  #activate(at) {
    this.#active = at;
    [...this.#list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    if (at < 0) this.#field.removeAttribute("aria-activedescendant");
    else {
      this.#field.setAttribute("aria-activedescendant", `option-${at}`);
      this.#list.children[at].scrollIntoView({ block: "nearest" });
    }
  }
}
