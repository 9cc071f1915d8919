// The owner's pages: single keys, what is selected in the passage, and what goes on in the background.
// Every action is a form that works without this.

const $ = (id) => document.getElementById(id);

// Said after the page is there, so that a screen reader hears it

const notice = $("notice");
if (notice?.textContent) {
  const said = notice.textContent;
  notice.textContent = "";
  setTimeout(() => { notice.textContent = said; }, 100);
}
if (location.hash) $(location.hash.slice(1))?.focus();

// Single keys, which can be turned off

const KEPT = "quoth-review-keys";
const keys = $("keys");
if (keys) {
  keys.closest("label").hidden = false;
  keys.checked = localStorage.getItem(KEPT) !== "off";
  keys.addEventListener("change", () => {
    localStorage.setItem(KEPT, keys.checked ? "on" : "off");
    dim();
  });
}
const dim = () => document.body.classList.toggle("no-keys", keys !== null && !keys.checked);
dim();

const WRITES = "input:not([type=checkbox], [type=hidden]), textarea, select";

function press(target) {
  const folded = target.closest("summary");
  if (folded) {
    const details = folded.parentElement;
    details.open = true;
    (details.querySelector(":is(input:not([type=hidden]), select)") ?? folded).focus();
  } else if (target.matches(WRITES)) {
    target.focus();
    target.select?.();
  } else target.click();
}

function step(by) {
  const heads = [...document.querySelectorAll(".clusters h2")];
  const at = heads.findIndex((head) => head.closest("article").contains(document.activeElement));
  const next = heads[Math.min(heads.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "start" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const writing = event.target.matches(WRITES);
  if (event.key === "Escape" && writing) {
    event.target.blur();
    ($("pair") ?? $("main")).focus();
    return;
  }
  if (writing || !keys?.checked) return;
  const here = document.activeElement.closest("article");
  const target =
    here?.querySelector(`[data-press="${CSS.escape(event.key)}"]`) ??
    document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (target) {
    event.preventDefault();
    press(target);
  } else if (document.querySelector(".clusters") && "jk".includes(event.key)) {
    event.preventDefault();
    step(event.key === "j" ? 1 : -1);
  } else if (event.key === "?") {
    event.preventDefault();
    const details = document.querySelector(".keys");
    details.open = !details.open;
    details.querySelector("summary").focus();
  }
});

// The answer as selected in the passage

const passage = $("passage");
const selecting = $("selecting");
if (passage && selecting) {
  const begin = Number(passage.dataset.start);
  // Positions in the document count characters, not UTF-16 units.
  const count = (text) => [...text].length;
  document.addEventListener("selectionchange", () => {
    const selection = getSelection();
    const range = selection.rangeCount ? selection.getRangeAt(0) : null;
    const inside = range && !range.collapsed && passage.contains(range.commonAncestorContainer);
    selecting.hidden = !inside;
    if (!inside) return;
    const before = document.createRange();
    before.setStart(passage, 0);
    before.setEnd(range.startContainer, range.startOffset);
    const start = begin + count(before.toString());
    selecting.elements.selected.value = `${start}-${start + count(range.toString())}`;
    selecting.elements.said.value = range.toString();
  });
}

// The list is folded where it would stand above everything else

const list = document.querySelector("details.pairs");
if (list && matchMedia("(max-width: 60rem)").matches) list.open = false;
list?.querySelector("[aria-current]")?.scrollIntoView({ block: "center" });
if (list && !location.hash) scrollTo(0, 0);

// What goes on in the background: the same page is fetched again, and its parts are put in place

const LIVE = { trials: 800, learning: 1200, groups: 1200 };

/** The page as it is now. XMLHttpRequest makes a document of it without any script running. */
function fetched() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href.split("#")[0]);
    request.responseType = "document";
    request.onload = () => (request.response ? resolve(request.response) : reject(new Error()));
    request.onerror = reject;
    request.send();
  });
}

function adopt(part, from) {
  const open = [...part.querySelectorAll("details")].map((details) => details.open);
  const made = document.importNode(from, true);
  made.querySelectorAll("details").forEach((details, n) => { details.open = open[n] ?? details.open; });
  if (!part.contains(document.activeElement)) part.replaceWith(made);
}

async function watch(id) {
  const part = $(id);
  if (!part || part.dataset.state === "done" || part.dataset.state === "failed") return;
  await new Promise((resolve) => setTimeout(resolve, LIVE[id]));
  let page;
  try {
    page = await fetched();
  } catch {
    return; // the review has ended
  }
  const now = page.getElementById(id);
  if (now) adopt(part, now);
  if (id === "trials") {
    const old = [...document.querySelectorAll(".words .verdict")];
    const fresh = [...page.querySelectorAll(".words .verdict")];
    if (old.length === fresh.length) old.forEach((one, n) => adopt(one, fresh[n]));
    const state = $("state");
    if (now?.dataset.state === "done" && state) state.setAttribute("role", "status");
  }
  watch(id);
}
for (const id of Object.keys(LIVE)) watch(id);
