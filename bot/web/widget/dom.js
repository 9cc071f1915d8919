// Making elements: text is put in as text, never as HTML.

/**
 * `<name …>children</name>`. Of the attributes, true is written bare, null and false are left out,
 * functions listen to the event of their name. Children that are null are left out.
 */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== null && value !== false && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SHAPES = {
  close: "M6 6l12 12M18 6L6 18",
  restart: "M4 11a8 8 0 1 1 2.300 6.300M4 5v6h6",
  menu: "M5 7h14M5 12h14M5 17h14",
  send: "M12 19V6M6 11.500L12 5.500l6 6",
  copy: "M9 9V5h10v10h-4M5 9h10v10H5z",
  up: "M7 11l4-7c1.500 0 2.500 1 2.500 2.500L13 10h5a2 2 0 0 1 2 2.300l-1.200 6a2 2 0 0 1-2 1.700H7M7 11v9H4v-9z",
  down: "M17 13l-4 7c-1.500 0-2.500-1-2.500-2.500L11 14H6a2 2 0 0 1-2-2.300l1.200-6A2 2 0 0 1 7.200 4H17M17 13V4h3v9z",
  check: "M5 12.500l4.500 4.500L19 7.500",
};

/** A line drawing in the colour of the text; hidden from screen readers. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/** A button that is only an icon: its name is said by screen readers and shown on hover. */
export function iconButton(shape, label, click, attributes = {}) {
  return el("button", { type: "button", class: "icon-button", "aria-label": label, title: label, click, ...attributes }, icon(shape));
}

/** `url` where it may be followed: http, https, mailto. Null for all else. */
export function safeLink(url) {
  try {
    return ["http:", "https:", "mailto:"].includes(new URL(url).protocol) ? url : null;
  } catch {
    return null;
  }
}

/** Text as it is compared: letters and digits, in lower case. */
export const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();

/** A quote as it is shown: without Markdown's marks, the cells of a row with dots between them. */
export const readable = (text) => text
  .replace(/!?\[([^[\]]*)\]\([^()\s]*(?:\s+"[^"]*")?\)/g, "$1")
  .replace(/(?<![\p{L}\p{N}_*])(\*{1,3}|_{1,3})(?=\S)(.{1,500}?)(?<=\S)\1(?![\p{L}\p{N}_*])/gsu, "$2")
  .replace(/^[ \t]*>[ \t]?/gm, "")
  .replace(/^(?=.*\|)[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*(?:\n|$)/gm, "")
  .replace(/^[ \t]*\|(.*)$/gm, (_, row) =>
    row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|")).filter(Boolean).join(" · "));
