// A floating panel on the screen: beside the page, or over the whole of it where there is no room.

// Where a panel beside the page would be too small, it takes the whole screen.
const FULL_SCREEN = matchMedia("(max-width: 30em), (max-height: 26em)");

export class Screen {
  #panel = null;
  #hidden = null; // called when the panel has closed; gives what to focus then

  constructor() {
    FULL_SCREEN.addEventListener("change", this.#fit);
    visualViewport?.addEventListener("resize", this.#fitKeyboard);
    visualViewport?.addEventListener("scroll", this.#fitKeyboard);
  }

  get isOpen() { return this.#hidden !== null; }
  get isFull() { return FULL_SCREEN.matches; }

  /** The <dialog> that is shown from now on, in place of the one before. */
  set panel(panel) {
    this.#panel = panel;
    this.#fit();
  }

  /** Opens the panel; false where it would take the whole screen without the visitor's doing. */
  show(hidden, gesture) {
    if (this.isFull && !gesture) return false;
    this.#hidden = hidden;
    this.#fit();
    return true;
  }

  /** Closes it; focus that was inside goes where `hidden` says. */
  hide() {
    const panel = this.#panel;
    const focused = panel.matches(":focus-within") || panel.matches(":modal");
    const hidden = this.#hidden;
    this.#hidden = null;
    panel.close();
    const next = hidden();
    if (focused) next.focus();
  }

  destroy() {
    FULL_SCREEN.removeEventListener("change", this.#fit);
    visualViewport?.removeEventListener("resize", this.#fitKeyboard);
    visualViewport?.removeEventListener("scroll", this.#fitKeyboard);
  }

  /** A dialog over the page keeps the focus in; one beside it does not. */
  #fit = () => {
    const panel = this.#panel;
    if (!this.isOpen || !panel) return;
    const focused = panel.getRootNode().activeElement;
    if (panel.open && panel.matches(":modal") !== this.isFull) panel.close();
    if (!panel.open) {
      if (this.isFull) panel.showModal();
      else panel.setAttribute("open", ""); // show() would take the focus
      if (panel.contains(focused)) focused.focus();
    }
    this.#fitKeyboard();
  };

  /** The part of the screen that the on-screen keyboard leaves. */
  #fitKeyboard = () => {
    if (!this.#panel || !visualViewport) return;
    const pinched = visualViewport.scale > 1.01; // the visitor's own doing: leave it
    const full = this.isFull && this.isOpen && !pinched;
    this.#panel.style.height = full ? `${visualViewport.height}px` : "";
    this.#panel.style.top = full ? `${visualViewport.offsetTop}px` : "";
  };
}
