// The chat's loader: defines <quoth-chat>, shows the button that opens it, and loads the rest when
// it is first used. A page that names it in a script tag gets one chat; see ATTRIBUTES for what
// can be said there as data-… and on the element without it.
(() => {
  "use strict";

  // Filled in by the server: where the other files are, and the hash of each.
  const BASE = "/static/widget/";
  const FILES = {};

  const ATTRIBUTES = {
    mode: "floating | inline",
    position: "end | start: the corner of a floating chat",
    theme: "auto | light | dark | contrast",
    accent: "a colour; any other look is set by CSS variables and ::part",
    lang: "the language of the chat's own words: en, de; default: the page's",
    dir: "ltr | rtl; default: the page's",
    heading: "the title; default: the knowledge's",
    label: "the words on the button",
    greeting: "the first words",
    contact: "a link for talking to a person: https or mailto",
    typeahead: "off: nothing is sent before it is asked",
    history: "off: no offer to keep the conversation on the visitor's device",
    strings: "JSON object: any of the chat's words, by key",
    server: "the bot's address; default: where this script came from",
    open: "present while the chat is open",
  };

  const LABELS = { en: "Ask a question", de: "Frage stellen" };
  const FAILED = { en: "The chat could not be loaded. Ask on a page of its own.",
    de: "Der Chat konnte nicht geladen werden. Auf einer eigenen Seite fragen." };

  const script = document.currentScript;
  if (!script) throw new Error("quoth-chat: name widget.js in a plain <script src>, not as a module");
  // All before /widget.js, or before /widget/VERSION/widget.js: a server may have several sites.
  const address = new URL(script.src);
  const home = address.origin + (/^(.*?)(?:\/widget\/[^/]+)?\/widget\.js$/.exec(address.pathname)?.[1] ?? "");

  const DARK = "--accent: var(--quoth-accent, #6cc8c5); --on-accent: #08282b;";
  const STRONG = "--accent: #000; --on-accent: #fff;";
  const STRONG_DARK = "--accent: #fff; --on-accent: #000;";
  const CSS = `
    :host { display: block; }
    :host([hidden]) { display: none; }
    :host(:not([mode="inline"])) { display: contents; }
    .root { --accent: var(--quoth-accent, #0b6068); --on-accent: #fff;
      font: 400 var(--quoth-font-size, medium)/1.5 var(--quoth-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
      letter-spacing: normal; word-spacing: normal; text-transform: none; text-align: start; text-indent: 0;
      text-shadow: none; white-space: normal; font-style: normal; cursor: auto; visibility: visible; }
    @media (prefers-color-scheme: dark) { :host(:not([theme])) .root, :host([theme="auto"]) .root { ${DARK} } }
    :host([theme="dark"]) .root { ${DARK} }
    @supports (color: oklch(from red l c h)) {
      .root { --on-accent: oklch(from var(--accent) clamp(0, (0.56 - l) * 1000, 1) 0 h) !important; }
    }
    @media (prefers-contrast: more) { :host(:not([theme])) .root, :host([theme="auto"]) .root { ${STRONG} } }
    :host([theme="contrast"]) .root { ${STRONG} }
    @media (prefers-color-scheme: dark) {
      :host([theme="contrast"]) .root { ${STRONG_DARK} }
      @media (prefers-contrast: more) { :host(:not([theme])) .root, :host([theme="auto"]) .root { ${STRONG_DARK} } }
    }
    .launcher { position: fixed; z-index: var(--quoth-z, 2147483000);
      inset-block-end: calc(var(--quoth-offset, 1.25em) + env(safe-area-inset-bottom));
      inset-inline-end: calc(var(--quoth-offset, 1.25em) + env(safe-area-inset-right)); }
    :host([position="start"]) .launcher { inset-inline: calc(var(--quoth-offset, 1.25em) + env(safe-area-inset-left)) auto; }
    .launcher button, .launcher a { display: flex; align-items: center; gap: 0.6em; box-sizing: border-box; min-height: 3.5em;
      margin: 0; padding: 0 1.4em 0 1.1em; border: 2px solid transparent; border-radius: 1.75em; background: var(--accent);
      color: var(--on-accent); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer;
      box-shadow: 0 0.1em 0.3em rgb(0 0 0 / 0.2), 0 0.5em 1.6em rgb(0 0 0 / 0.22); }
    .launcher button:hover { filter: brightness(1.12); }
    .launcher :focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
    .launcher [aria-busy="true"] { cursor: progress; }
    .launcher svg { width: 1.6em; height: 1.6em; flex: none; fill: currentColor; }
    .launcher [hidden] { display: none; }
    @media (max-width: 30em) {
      .launcher button { width: 3.5em; padding: 0; justify-content: center; }
      .launcher button span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    }
    @media (prefers-reduced-motion: no-preference) { .launcher button { transition: filter 0.15s; } }
    @media print { .launcher { display: none; } }
  `;
  const QUOTES =
    "M6 3h20a4 4 0 0 1 4 4v14a4 4 0 0 1-4 4h-9l-7 6v-6H6a4 4 0 0 1-4-4V7a4 4 0 0 1 4-4zm2 11a2.900 " +
    "2.900 0 1 0 2.900-2.900c.1-1.200.9-2.100 2.600-2.700l-.7-1.600C9.700 8.600 8 10.700 8 14zm9.500 0a2.900 2.900 0 1 0 " +
    "2.900-2.900c.1-1.200.9-2.100 2.600-2.700l-.7-1.600c-3.100.8-4.800 2.900-4.800 6.200z";

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);

  /** Asks for a file, to be held to its hash. import() can't name one, but takes what was so loaded. */
  function preload(name) {
    const href = home + BASE + name;
    if (!FILES[name] || document.head.querySelector(`link[href="${href}"]`)) return;
    const link = document.createElement("link");
    Object.assign(link, { rel: "modulepreload", href, integrity: FILES[name], crossOrigin: "anonymous" });
    document.head.append(link);
  }

  function load(name) {
    preload(name);
    return import(home + BASE + name);
  }

  /** The panel's module, with all that it needs under way at once. */
  function loadPanel() {
    for (const name of Object.keys(FILES)) if (!name.startsWith("strings.") || name === "strings.js") preload(name);
    return load("panel.js");
  }

  class QuothChat extends HTMLElement {
    static observedAttributes = Object.keys(ATTRIBUTES);
    static home = home;

    #panel = null;
    #words = {};
    #root = null;
    #launcher = null;
    #watcher = null;
    #showing = null;

    connectedCallback() {
      const shadow = this.shadowRoot ?? this.attachShadow({ mode: "open" });
      if (!shadow.adoptedStyleSheets.includes(sheet)) shadow.adoptedStyleSheets = [sheet];
      if (!this.#root) {
        this.#root = document.createElement("div");
        this.#root.className = "root";
        // What stands inside the element is for where this script doesn't run; inline, it is shown
        // until the chat is there.
        shadow.append(this.#root);
        this.#paint();
        this.#build();
        this.#emit("ready");
      }
      if (this.hasAttribute("open") && this.mode === "floating") this.#showing = this.#show(false);
    }

    disconnectedCallback() {
      queueMicrotask(() => { // a move in the document disconnects and connects at once
        if (this.isConnected) return;
        this.#watcher?.disconnect();
        this.#panel?.destroy();
        this.#panel = this.#launcher = null;
        this.#root?.remove();
        this.#root = null;
      });
    }

    attributeChangedCallback(name, before, now) {
      if (!this.#root || before === now) return;
      if (name === "open") {
        if (now === null) this.#panel?.hide();
        else if (this.mode === "floating") this.#showing = this.#show(navigator.userActivation?.isActive ?? true);
      } else if (name === "accent" || name === "dir" || name === "theme" || name === "position") {
        this.#paint();
      } else {
        const { lang, open } = { lang: this.language, open: this.hasAttribute("open") };
        this.#paint();
        if (name === "mode" || name === "server" || !this.#panel) this.#rebuild(open);
        else this.#panel.configure(lang);
        this.#name();
      }
    }

    get mode() { return this.getAttribute("mode") === "inline" ? "inline" : "floating"; }
    get server() { return (this.getAttribute("server") || home).replace(/\/+$/, ""); }
    get language() { return this.getAttribute("lang") || this.parentElement?.closest("[lang]")?.lang || "en"; }

    /** The chat's own words by key: what the attribute says, then what a script set. */
    get strings() {
      let said = {};
      try {
        said = JSON.parse(this.getAttribute("strings") || "{}");
      } catch {
        console.warn("quoth-chat: the attribute strings is not a JSON object");
      }
      return { ...said, ...this.#words };
    }

    set strings(words) {
      this.#words = { ...words };
      this.#name();
      this.#panel?.configure(this.language);
    }

    /** Opens the chat; resolves when it is there. */
    async open() {
      if (this.mode !== "floating") return this.#ready();
      this.setAttribute("open", "");
      await this.#showing;
      return this.#panel;
    }

    close() { if (this.mode === "floating") this.removeAttribute("open"); }

    /** Opens the chat and asks. */
    async ask(question) { (await this.open())?.ask(String(question)); }

    /** Forgets the conversation and begins a new one. */
    async restart() { (await this.#ready())?.restart(); }

    #emit(name, detail = {}) {
      this.dispatchEvent(new CustomEvent(`quoth-${name}`, { detail, bubbles: true, composed: true }));
    }

    #paint() {
      const accent = this.getAttribute("accent");
      if (accent) this.style.setProperty("--quoth-accent", accent);
      else this.style.removeProperty("--quoth-accent");
      this.#root.lang = this.language;
      this.#root.dir = this.getAttribute("dir") || getComputedStyle(this).direction;
    }

    #say(words) { return words[this.language.toLowerCase().split("-")[0]] ?? words.en; }

    #name() {
      const label = this.#launcher?.querySelector("span");
      if (label) label.textContent = this.getAttribute("label") || this.strings.launcher || this.#say(LABELS);
    }

    #build() {
      if (this.mode === "inline") {
        this.#root.append(document.createElement("slot"));
        this.#watcher = new IntersectionObserver((seen) => {
          if (!seen.some((one) => one.isIntersecting)) return;
          this.#watcher.disconnect();
          this.#ready();
        }, { rootMargin: "300px" });
        this.#watcher.observe(this);
        return;
      }
      const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
      shape.setAttribute("d", QUOTES);
      const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      icon.setAttribute("viewBox", "0 0 32 32");
      icon.setAttribute("aria-hidden", "true");
      icon.append(shape);
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-haspopup", "dialog");
      button.part = "launcher";
      button.append(icon, document.createElement("span"));
      button.addEventListener("click", () => this.open());
      this.#launcher = document.createElement("div");
      this.#launcher.className = "launcher";
      this.#launcher.setAttribute("role", "region");
      this.#launcher.append(button);
      this.#root.append(this.#launcher);
      this.#name();
      this.#launcher.setAttribute("aria-label", button.textContent);
    }

    #rebuild(open) {
      this.#watcher?.disconnect();
      this.#panel?.destroy();
      this.#panel = this.#launcher = null;
      this.#root.replaceChildren();
      this.#build();
      if (open && this.mode === "floating") this.#showing = this.#show(false);
    }

    async #ready() {
      const root = this.#root;
      if (this.#panel || !root) return this.#panel;
      const button = this.#launcher?.querySelector("button");
      button?.setAttribute("aria-busy", "true");
      try {
        const { Panel } = await loadPanel();
        if (this.#panel || this.#root !== root || !root.isConnected) return this.#panel;
        const panel = new Panel(this, root, (name, detail) => this.#emit(name, detail), load);
        this.#panel = panel;
        await panel.configure(this.language);
        root.querySelector("slot")?.remove();
      } catch (error) {
        this.#fail(error);
        return null;
      } finally {
        button?.removeAttribute("aria-busy");
      }
      return this.#panel;
    }

    /** `gesture`: the visitor did it, just now. Else no focus moves, and no whole screen is taken. */
    async #show(gesture) {
      const panel = await this.#ready();
      if (!panel || !this.hasAttribute("open")) return;
      this.#launcher.hidden = true;
      panel.show(() => {
        this.#launcher.hidden = false;
        this.removeAttribute("open");
        return this.#launcher.querySelector("button");
      }, gesture);
    }

    /** Where the chat can't be loaded, the page without JavaScript still answers. */
    #fail(error) {
      console.warn(`quoth-chat: ${error.message}`);
      this.#emit("error", { message: error.message });
      this.removeAttribute("open");
      if (!this.#launcher) return;
      const link = document.createElement("a");
      Object.assign(link, { href: `${this.server}/ask`, target: "_blank", rel: "noopener", textContent: this.#say(FAILED) });
      link.setAttribute("role", "alert");
      this.#launcher.replaceChildren(link);
    }
  }

  if (!customElements.get("quoth-chat")) customElements.define("quoth-chat", QuothChat);

  // data-element="none": the page has <quoth-chat> elements of its own.
  if (script.dataset.element === "none") return;
  const chat = document.createElement("quoth-chat");
  for (const [name, value] of Object.entries(script.dataset)) {
    if (name in ATTRIBUTES) chat.setAttribute(name, value);
  }
  // Another site's script was here first: its chat asks there, unless it is told.
  if (customElements.get("quoth-chat").home !== home && !chat.hasAttribute("server")) chat.setAttribute("server", home);
  const place = () => {
    const target = script.dataset.target && document.querySelector(script.dataset.target);
    (target || document.body).append(chat);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", place);
  else place();
})();
