// One reply as elements: the quote, its passage and source, or what is said instead.

import { el, icon, iconButton, plain, readable, safeLink } from "./dom.js";

const FRAGMENT_LIMIT = 200; // characters of a quote that a link repeats whole
const FRAGMENT_WORDS = 6; // of a longer one, so many at either end

/** The reply's element. `chat` has words (say), the server's origin and what its buttons do. */
export function replyElement(message, reply, chat) {
  const { say } = chat;
  const cited = reply.citations.length > 0;
  const { own, lead } = lines(reply);
  const rephrased = cited && plain(reply.question) !== plain(message.question);
  return el("div", { class: `reply ${reply.kind}`, part: `reply reply-${reply.kind}` },
    el("span", { class: "hidden" }, say("bot")),
    rephrased && el("p", { class: "understood" }, say("understood", { question: reply.question })),
    own.map((line) => el("p", { part: "text", dir: "auto", lang: chat.language }, line)),
    reply.missing.length > 0 && reply.kind === "decline" &&
      el("p", { class: "missing" }, say("missing", { words: reply.missing.map((word) => `“${word}”`).join(", ") })),
    reply.citations.map((citation) => citationElement(citation, chat)),
    cited && actions(message, reply, chat),
    !cited && reply.kind !== "smalltalk" && chat.contact(),
    suggestionList(reply.suggestions, lead, chat),
    !cited && time(message, chat));
}

/** What a screen reader is told of a reply, once, as one text. */
export function spoken(reply, say) {
  if (!reply.citations.length) return reply.text;
  const quotes = reply.citations.map(({ title, quote }) => say("quoted", { title, quote: readable(quote) }));
  return [...lines(reply).own, ...quotes].join("\n");
}

/** Questions as buttons under a heading, if any; one that was used says so and can be used again. */
export function suggestionList(questions, heading, chat) {
  if (!questions.length) return null;
  const items = questions.map((question) => {
    const button = el("button", {
      type: "button", class: "suggestion", part: "suggestion", dir: "auto", lang: chat.language,
      click: () => {
        if (!button.classList.contains("used")) {
          button.classList.add("used");
          button.append(icon("check"), el("span", { class: "hidden" }, ` (${chat.say("asked")})`));
        }
        chat.ask(question);
      },
    }, question);
    return el("li", {}, button);
  });
  return el("div", { class: "suggestions", part: "suggestions" },
    heading && el("p", { class: "soft" }, heading),
    el("ul", { role: "list", "aria-label": heading || chat.say("options") }, items));
}

/** Where a quote stands: in the document itself, or on the server's page of it. */
export function sourceLink({ document: id, url, page, quote, start, end }, origin) {
  const own = safeLink(url);
  if (!own) return `${origin}/source/${encodeURIComponent(id)}?start=${start}&end=${end}#${start}-${end}`;
  if (own.startsWith("mailto:")) return own;
  const place = own.includes("#") ? "" : page ? `#page=${page}` : "#"; // a PDF opens at its page
  return `${own}${place}:~:text=${textFragment(readable(quote))}`;
}

/** The quote as a text directive (https://wicg.github.io/scroll-to-text-fragment/). */
export function textFragment(quote) {
  const escape = (text) => encodeURIComponent(text.trim()).replaceAll("-", "%2D");
  const words = quote.trim().split(/\s+/);
  const oneLine = !quote.trim().includes("\n");
  if (oneLine && (quote.length <= FRAGMENT_LIMIT || words.length < 2 * FRAGMENT_WORDS)) return escape(quote);
  return [words.slice(0, FRAGMENT_WORDS), words.slice(-FRAGMENT_WORDS)].map((part) => escape(part.join(" "))).join(",");
}

/** The reply's own lines, without the quotes and the questions that are buttons; `lead` leads to those. */
function lines(reply) {
  let text = reply.text;
  if (reply.citations.length) {
    const at = text.indexOf(readable(reply.citations[0].quote));
    text = at > 0 ? text.slice(0, at).replace(/[\s“"]+$/, "") : "";
  }
  const shown = new Set(reply.suggestions.map(plain));
  const own = text.split("\n")
    .filter((line) => line.trim() && !shown.has(plain(line.replace(/^\s*(\d+[.)]|[-*•–])\s*/, ""))));
  const leads = shown.size > 0 && own.length > 1 && own.at(-1).trim().endsWith(":");
  return { own: leads ? own.slice(0, -1) : own, lead: leads ? own.at(-1) : null };
}

function citationElement(citation, chat) {
  const { say, language } = chat;
  const href = sourceLink(citation, chat.origin);
  const at = citation.passage.indexOf(citation.quote);
  const quote = readable(citation.quote);
  const before = readable(citation.passage.slice(0, Math.max(at, 0)));
  const after = readable(citation.passage.slice(at + citation.quote.length));
  return el("figure", { class: "quote", part: "quote" },
    el("blockquote", { cite: href, lang: language, dir: "auto" }, quote),
    citation.row && el("p", { part: "row", lang: language, dir: "auto" }, citation.row),
    el("figcaption", { part: "source" }, `${say("source")} `,
      el("a", { href, target: "_blank", rel: "noopener", part: "link", lang: language },
        [citation.title, citation.heading, citation.page && say("page", { number: citation.page })].filter(Boolean).join(" · "),
        el("span", { class: "hidden", lang: chat.own }, ` (${say("newTab")})`))),
    at >= 0 && (before.trim() || after.trim()) &&
      el("details", { part: "passage", toggle: ({ target }) => target.open && target.scrollIntoView({ block: "nearest" }) },
        el("summary", {}, say("passage")),
        el("p", { lang: language, dir: "auto" }, before, el("mark", {}, quote), after)));
}

function time({ replied }, chat) {
  return el("time", { class: "time", dir: "auto", datetime: new Date(replied).toISOString() }, chat.time(replied));
}

function actions(message, reply, chat) {
  const { say } = chat;
  const done = el("span", { class: "soft", "aria-hidden": "true" }); // said by the status too
  const row = el("div", { class: "actions" });
  // Browsers have no clipboard for pages that came without TLS.
  if (navigator.clipboard) {
    row.append(iconButton("copy", say("copy"), async () => {
      const quotes = reply.citations.map((one) => `“${readable(one.quote)}”\n${one.title}\n${sourceLink(one, chat.origin)}`);
      try {
        await navigator.clipboard.writeText(quotes.join("\n\n"));
        done.textContent = say("copied");
        chat.status(say("copied"));
      } catch { // not allowed by the page or the visitor: the text can still be marked
        done.textContent = "";
      }
    }));
  }
  const thumbs = [["up", true], ["down", false]].map(([shape, helpful]) =>
    iconButton(shape, say(helpful ? "helpful" : "unhelpful"), async (event) => {
      const pressed = event.currentTarget;
      if (!await chat.feedback(reply.turn_id, helpful)) return;
      message.helpful = helpful;
      done.textContent = say("thanks");
      for (const thumb of thumbs) thumb.setAttribute("aria-pressed", String(thumb === pressed));
      comment.hidden = false;
    }, { "aria-pressed": String(message.helpful === helpful) }));
  const field = el("textarea", { rows: "2", maxlength: "2000", dir: "auto" });
  const comment = el("form", {
    class: "comment", hidden: true,
    submit: async (event) => {
      event.preventDefault();
      if (!field.value.trim()) return;
      if (!await chat.feedback(reply.turn_id, message.helpful, field.value.trim())) return;
      field.value = "";
      comment.hidden = true;
      thumbs[message.helpful ? 0 : 1].focus(); // the pressed button went with the form
    },
  }, el("label", {}, say("comment"), field), el("button", { type: "submit", class: "plain" }, say("sendComment")));
  row.append(...thumbs, done, time(message, chat));
  return el("div", { class: "wide", part: "actions" }, row, comment);
}
