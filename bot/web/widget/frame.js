// The panel's fixed parts: head, settings, transcript, the hidden log, notices, the field.

import { el, icon, iconButton } from "./dom.js";

/**
 * The parts by name; `parts.panel` holds the others. `does` has what the buttons do: close (null
 * where the chat is part of the page), restart, submit, keep(chosen), clear, note.
 */
export function buildFrame(say, does, { inline, title, label, history }) {
  const parts = {};
  const keep = (name, node) => (parts[name] = node);
  const menu = keep("menu", el("div", { class: "menu", part: "menu", id: "menu", hidden: true }));
  const menuButton = keep("menuButton", iconButton("menu", say("menu"), () => toggle(parts), {
    "aria-expanded": "false", "aria-controls": "menu",
  }));
  const header = el("div", { class: "head", part: "header" },
    el("span", { class: "sign", "aria-hidden": "true" }, "“"),
    keep("title", el("h2", { part: "title", id: "title" }, title)),
    iconButton("restart", say("restart"), does.restart),
    menuButton,
    does.close && iconButton("close", say("close"), does.close, { part: "close" }));
  if (history) {
    const box = keep("keep", el("input", { type: "checkbox", id: "keep", "aria-describedby": "keep-hint", change: () => does.keep(box.checked) }));
    menu.append(
      el("div", { class: "choice" }, box, el("label", { for: "keep" }, say("history"))),
      el("p", { class: "soft", id: "keep-hint" }, say("historyHint")),
      keep("clear", el("button", { type: "button", class: "plain", hidden: true, click: does.clear }, say("clear"))));
  }
  const keys = [["Enter", "keySend"], ["↑", "keyLast"], ["↓ Enter", "keyPick"], ["PgUp PgDn", "keyScroll"]];
  if (does.close) keys.push(["Esc", "keyClose"]);
  menu.append(
    el("h3", {}, say("shortcuts")),
    el("dl", { class: "keys" }, keys.map(([key, text]) =>
      el("div", {}, el("dt", {}, key.split(" ").map((one) => el("kbd", {}, one))), el("dd", {}, say(text))))));

  keep("transcript", el("div", {
    class: "transcript", part: "transcript", role: "region", tabindex: "0", "aria-label": label,
  }));
  // Screen readers hear each finished reply from here, once, as plain text; what is seen above says nothing by itself.
  keep("log", el("div", { class: "hidden", role: "log", "aria-live": "polite", "aria-label": say("bot") }));
  keep("status", el("p", { class: "hidden", role: "status" }));
  keep("notice", el("div", { class: "notice", part: "notice", role: "alert" }));
  keep("list", el("ul", { class: "completions", part: "completions", role: "listbox", id: "completions", hidden: true, "aria-label": say("completions") }));
  keep("field", el("input", {
    type: "text", id: "question", part: "input", role: "combobox", "aria-expanded": "false", "aria-controls": "completions",
    "aria-autocomplete": "list", autocomplete: "off", autocapitalize: "sentences", enterkeyhint: "send", dir: "auto",
    placeholder: say("input"),
  }));
  const composer = el("form", { class: "composer", part: "composer", submit: does.submit },
    el("label", { for: "question", class: "hidden" }, say("input")), parts.list, parts.field,
    el("button", { type: "submit", class: "send", part: "send", "aria-label": say("send"), title: say("send") }, icon("send")));
  keep("noteText", el("p", { id: "note", dir: "auto" }));
  keep("noteButton", el("button", { type: "button", class: "link", "aria-expanded": "false", "aria-controls": "note", click: does.note }, say("note")));
  keep("foot", el("div", { class: "foot", part: "footer" },
    keep("note", el("div", { class: "note", part: "disclaimer", hidden: true }, parts.noteText, parts.noteButton)),
    keep("contact", el("p", { hidden: true }))));

  const inside = [header, menu, parts.transcript, parts.log, parts.status, parts.notice, composer, parts.foot];
  keep("panel", inline
    ? el("section", { class: "panel inline", part: "panel", "aria-labelledby": "title" }, inside)
    : el("dialog", { class: "panel floating", part: "panel", "aria-labelledby": "title", tabindex: "-1" }, inside));
  return parts;
}

/** Opens or closes the settings. */
export function toggle({ menu, menuButton }, open = menu.hidden) {
  menu.hidden = !open;
  menuButton.setAttribute("aria-expanded", String(open));
}
