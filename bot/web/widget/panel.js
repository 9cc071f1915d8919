// The chat itself: what is asked, what comes back, and how both are shown.

import { el, safeLink } from "./dom.js";
import { buildFrame, toggle } from "./frame.js";
import { History } from "./history.js";
import { Outbox } from "./outbox.js";
import { replyElement, spoken, suggestionList } from "./reply.js";
import { Screen } from "./screen.js";
import { Refused, Server } from "./server.js";
import english from "./strings.js";
import { styles } from "./style.js";
import { Typeahead } from "./typeahead.js";

const LANGUAGES = ["de"]; // besides English
const STATUS_SECONDS = 4;
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

let panels = 0;

/**
 * A message is {id, question, asked, state, reply, replied, helpful}; times in milliseconds since
 * 1970. `host` is the <quoth-chat>, `root` where the panel goes, `emit` sends its events, `load`
 * loads a file by name.
 */
export class Panel {
  #host; #root; #emit; #load; #server; #history; #outbox; #screen = new Screen(); #typeahead; #parts;
  #number = (panels += 1);
  #words = english;
  #language = "en"; // of the chat's own words
  #about = { title: "", language: "", privacy: "", contact: null, max_question_chars: 2000, documents: [] };
  #openers = [];
  #messages = [];
  #conversation = null;
  #draft = "";
  #note = null;
  #turns = new Map(); // message -> its element
  #statusTimer = 0;

  constructor(host, root, emit, load) {
    [this.#host, this.#root, this.#emit, this.#load] = [host, root, emit, load];
    this.#server = new Server(host.server);
    this.#history = new History(host.server, host.id);
    this.#outbox = new Outbox(
      (message, signal) => this.#server.ask(message.question, message.id, this.#conversation, signal),
      (what, message, detail) => this.#hear(what, message, detail));
    const kept = host.getAttribute("history") === "off" ? null : this.#history.load();
    if (kept) ({ conversation: this.#conversation, draft: this.#draft, messages: this.#messages } = kept);
    root.getRootNode().adoptedStyleSheets.push(styles());
    this.#learn();
  }

  /** Shows everything in `language` and with the element's present attributes. */
  async configure(language) {
    const wanted = language.toLowerCase().split("-")[0];
    const known = LANGUAGES.includes(wanted);
    const words = known ? (await this.#load(`strings.${wanted}.js`)).default : english;
    this.#language = known ? language : "en";
    this.#words = { ...words, ...this.#host.strings };
    this.#build();
  }

  /** Opens a floating panel; `hidden` is called when it closes and gives what to focus then. */
  show(hidden, gesture) {
    if (!this.#screen.show(hidden, gesture)) {
      hidden();
      return;
    }
    // On a phone, focus in the field would bring up the keyboard over the greeting.
    if (gesture) (this.#screen.isFull ? this.#parts.panel : this.#parts.field).focus();
    this.#emit("open");
  }

  hide() {
    if (!this.#screen.isOpen) return;
    this.#screen.hide();
    this.#emit("close");
  }

  ask(question) {
    const text = question.trim().slice(0, this.#about.max_question_chars);
    if (!text) return;
    const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const message = { id, question: text, asked: Date.now(), state: "waiting", reply: null, replied: 0, helpful: null };
    this.#messages.push(message);
    this.#render(message);
    this.#outbox.add(message);
    this.#scrollTo(message);
    this.#emit("question", { question: text });
    this.#save();
  }

  restart() {
    this.#outbox.clear();
    // What the server keeps goes too; where that fails it expires by itself.
    if (this.#conversation) this.#server.forget(this.#conversation).catch(() => null);
    this.#conversation = null;
    this.#messages = [];
    this.#parts.log.replaceChildren();
    this.#fill();
    this.#warn(null);
    this.#save();
    this.#status(this.#say("restarted"));
    this.#emit("restart");
  }

  destroy() {
    this.#outbox.destroy();
    this.#screen.destroy();
    this.#parts?.panel.remove();
  }

  // -- what it knows -------------------------------------------------------------------------

  async #learn() {
    try {
      this.#about = await this.#server.about();
      this.#openers = (await this.#server.suggestions("")).slice(0, 3);
    } catch (error) {
      if (error instanceof Refused && error.status === 403) this.#warn(this.#say("forbidden"));
    }
    if (this.#parts) this.#inform();
  }

  /** Puts in what the server has told. */
  #inform() {
    const { title, field, foot, contact, note, noteText } = this.#parts;
    title.textContent = this.#host.getAttribute("heading") || this.#about.title || this.#say("title");
    field.maxLength = this.#about.max_question_chars;
    this.#typeahead.language = this.#about.language;
    const notes = new Set(this.#about.documents.map((one) => one.disclaimer).filter(Boolean));
    const text = this.#note ?? [...notes].join("\n\n");
    note.hidden = !text;
    Object.assign(noteText, { textContent: text ?? "", lang: this.#about.language });
    const person = this.#contact();
    contact.hidden = !person;
    contact.replaceChildren(...(person ? [person] : []));
    foot.hidden = note.hidden && contact.hidden;
    if (!this.#messages.length) this.#fill();
  }

  #contact() {
    const address = this.#host.getAttribute("contact") || this.#about.contact;
    const href = safeLink(address);
    if (href) return el("a", { href, target: "_blank", rel: "noopener", part: "contact" }, this.#say("contact"));
    // The knowledge's contact may be words, such as a telephone number with its hours.
    return address && address === this.#about.contact ? el("span", { part: "contact" }, address) : null;
  }

  #say = (key, values = {}) => {
    let words = this.#words[key] ?? english[key];
    if (typeof words === "object") words = words[new Intl.PluralRules(this.#language).select(values.n)] ?? words.other;
    return String(words).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  };

  /** What the parts of a reply need of the chat. */
  get #chat() {
    return {
      say: this.#say,
      origin: this.#server.origin,
      own: this.#language,
      language: this.#about.language || null,
      ask: (question) => this.ask(question),
      contact: () => {
        const link = this.#contact();
        return link && el("p", {}, link);
      },
      status: (text) => this.#status(text),
      time: (moment) => new Intl.DateTimeFormat(this.#language, { timeStyle: "short" }).format(moment),
      feedback: (turn, helpful, comment) => this.#feedback(turn, helpful, comment),
    };
  }

  // -- what is shown -------------------------------------------------------------------------

  #build() {
    const before = this.#parts;
    const inline = this.#host.mode === "inline";
    const others = this.#number > 1 ? ` (${this.#number})` : ""; // regions of a page have names of their own
    const parts = buildFrame(this.#say, {
      close: inline ? null : () => this.hide(),
      restart: () => {
        this.restart();
        parts.field.focus();
      },
      submit: (event) => {
        event.preventDefault();
        this.#submit();
      },
      keep: (chosen) => {
        if (!chosen) this.#history.clear();
        else this.#history.save(this.#state());
        parts.clear.hidden = !chosen;
      },
      clear: () => {
        this.#history.clear();
        parts.keep.checked = false;
        parts.clear.hidden = true;
        parts.keep.focus();
        this.#status(this.#say("cleared"));
      },
      note: () => this.#unfoldNote(),
    }, {
      inline,
      title: this.#say("title"),
      label: this.#say("transcript") + others,
      history: this.#host.getAttribute("history") !== "off",
    });
    this.#parts = parts;
    if (parts.keep) {
      parts.keep.checked = this.#history.chosen;
      parts.clear.hidden = !parts.keep.checked;
    }
    this.#typeahead = new Typeahead(parts.field, parts.list, {
      find: (begun, signal) => this.#server.suggestions(begun, signal),
      pick: (question) => {
        parts.field.value = this.#draft = "";
        this.ask(question);
      },
      found: (n) => this.#status(n ? this.#say("found", { n }) : ""),
      language: this.#about.language,
    });
    this.#typeahead.enabled = this.#host.getAttribute("typeahead") !== "off";
    parts.field.value = this.#draft;
    parts.field.addEventListener("input", () => {
      this.#draft = parts.field.value;
      this.#save();
    });
    parts.panel.addEventListener("keydown", (event) => this.#key(event));
    parts.panel.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.hide();
    });
    if (before) before.panel.replaceWith(parts.panel);
    else this.#root.append(parts.panel);
    this.#fill();
    this.#inform();
    if (!inline) this.#screen.panel = parts.panel;
  }

  /** The whole transcript anew. */
  #fill() {
    const { transcript } = this.#parts;
    this.#turns.clear();
    transcript.replaceChildren(el("div", { class: "greeting" },
      el("p", { part: "greeting" }, this.#host.getAttribute("greeting") || this.#say("greeting")),
      suggestionList(this.#openers, this.#say("suggestions"), this.#chat),
      this.#about.privacy && el("p", { class: "privacy", part: "privacy", dir: "auto", lang: this.#about.language }, this.#about.privacy)));
    this.#messages.forEach((message) => this.#render(message));
    transcript.scrollTop = this.#messages.length ? transcript.scrollHeight : 0;
  }

  #render(message) {
    const chat = this.#chat;
    const waits = message.state === "waiting" || message.state === "failed";
    const turn = el("article", { class: "turn" },
      el("div", { class: "asked" },
        el("span", { class: "hidden" }, chat.say("you")),
        el("p", { class: "question", part: "question", dir: "auto" }, message.question),
        el("time", { class: "time", dir: "auto", datetime: new Date(message.asked).toISOString() }, chat.time(message.asked),
          waits && ` · ${chat.say("waiting")}`)),
      message.state === "sending" && el("p", { class: "typing", part: "typing", "aria-hidden": "true" }, el("i"), el("i"), el("i")),
      message.reply && replyElement(message, message.reply, chat));
    const before = this.#turns.get(message);
    if (before) before.replaceWith(turn);
    else this.#parts.transcript.append(turn);
    this.#turns.set(message, turn);
  }

  /** Brings the question to the top, so that its reply is read from its beginning. */
  #scrollTo(message) {
    const { panel, transcript } = this.#parts;
    const turn = this.#turns.get(message);
    const box = transcript.scrollHeight > transcript.clientHeight ? transcript : panel;
    const top = turn.getBoundingClientRect().top - box.getBoundingClientRect().top - 10;
    box.scrollBy({ top, behavior: CALM.matches ? "instant" : "smooth" });
  }

  #status(text) {
    clearTimeout(this.#statusTimer);
    this.#parts.status.textContent = text;
    if (text && !this.#outbox.busy) this.#statusTimer = setTimeout(() => this.#status(""), STATUS_SECONDS * 1000);
  }

  /** An error as an alert, with a way to try again; null takes it away. */
  #warn(text, retry = false) {
    if (!this.#parts) return;
    const { notice, field } = this.#parts;
    const again = () => {
      field.focus();
      this.#warn(null);
      this.#outbox.retry();
    };
    notice.replaceChildren(...(text ? [el("p", {}, text)] : []),
      ...(retry ? [el("button", { type: "button", class: "plain", click: again }, this.#say("retry"))] : []));
  }

  #unfoldNote() {
    const { note, noteButton } = this.#parts;
    const open = note.classList.toggle("open");
    noteButton.setAttribute("aria-expanded", String(open));
    noteButton.textContent = this.#say(open ? "noteLess" : "note");
  }

  // -- what happens --------------------------------------------------------------------------

  #submit() {
    const { field } = this.#parts;
    const question = field.value.trim();
    field.focus();
    if (!question) return;
    this.#typeahead.close();
    field.value = this.#draft = "";
    toggle(this.#parts, false);
    this.ask(question);
  }

  #hear(what, message, detail) {
    if (what === "answered") {
      message.reply = detail;
      message.replied = Date.now();
      this.#conversation = detail.conversation_id;
      this.#warn(null);
      this.#status("");
      if (detail.disclaimer && detail.disclaimer !== this.#note) {
        this.#note = detail.disclaimer;
        this.#inform();
      }
      this.#emit("reply", { kind: detail.kind, reason: detail.reason, question: message.question, turn_id: detail.turn_id });
    } else if (what === "sending") {
      this.#status(this.#say("responding"));
    } else {
      this.#status("");
      this.#emit("error", { status: detail.status ?? 0, question: message.question });
    }
    if (what === "offline") this.#warn(this.#say("offline"), true);
    if (what === "busy") this.#warn(this.#say("busy", { n: Math.max(1, detail.wait) }), true);
    if (what === "failed") this.#warn(this.#say("failed"), true);
    if (what === "refused") {
      this.#warn(this.#say(detail.status === 403 ? "forbidden" : "refused", { detail: detail.detail }));
      this.#messages = this.#messages.filter((one) => one !== message);
      this.#turns.get(message)?.remove();
      this.#turns.delete(message);
      if (!this.#draft) this.#parts.field.value = this.#draft = message.question;
    } else {
      this.#render(message);
      if (what === "answered") {
        this.#parts.log.append(el("p", { lang: this.#about.language }, spoken(message.reply, this.#say)));
        this.#scrollTo(message);
      }
    }
    this.#save();
  }

  async #feedback(turn, helpful, comment) {
    try {
      await this.#server.feedback(turn, helpful, comment);
    } catch {
      this.#warn(this.#say("notSent"));
      return false;
    }
    this.#warn(null);
    this.#status(this.#say("thanks"));
    this.#emit("feedback", { turn_id: turn, helpful });
    this.#save();
    return true;
  }

  #key(event) {
    const { field, transcript } = this.#parts;
    const inField = event.composedPath()[0] === field;
    if (event.isComposing) return;
    if (inField && this.#typeahead.key(event)) event.preventDefault();
    else if (event.key === "Escape") {
      if (!this.#parts.menu.hidden) {
        toggle(this.#parts, false);
        this.#parts.menuButton.focus();
      } else if (this.#screen.isOpen) this.hide();
      else return;
      event.preventDefault();
    } else if (inField && event.key === "ArrowUp" && !field.value && this.#messages.length) {
      event.preventDefault();
      field.value = this.#draft = this.#messages.at(-1).question;
    } else if (inField && (event.key === "PageUp" || event.key === "PageDown")) {
      event.preventDefault();
      transcript.scrollBy({ top: transcript.clientHeight * (event.key === "PageUp" ? -0.8 : 0.8) });
    } else return;
    event.stopPropagation();
  }

  // -- what is kept --------------------------------------------------------------------------

  #state() {
    return {
      conversation: this.#conversation, draft: this.#draft, messages: this.#messages.filter((one) => one.reply),
    };
  }

  #save() {
    if (this.#parts.keep?.checked) this.#history.save(this.#state());
  }
}
