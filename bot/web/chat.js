// The chat: takes over the page's forms. All text from the server is put in as text, never as HTML.

const transcript = document.getElementById("transcript");
const spoken = document.getElementById("spoken");
const status = document.getElementById("status");
const problem = document.getElementById("problem");
const form = document.getElementById("ask");
const field = document.getElementById("question");
const fresh = document.getElementById("new");

let conversation = form.elements.conversation_id.value || null;
let busy = false;
let answers = 0;

function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(key, "");
    else if (value !== null && value !== false) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();

function safeLink(url) {
  try {
    return ["http:", "https:", "mailto:"].includes(new URL(url).protocol) ? url : null;
  } catch {
    return null;
  }
}

function sourceLink({ document: id, url, start, end }) {
  const page = `/source/${encodeURIComponent(id)}?start=${start}&end=${end}#${start}-${end}`;
  return safeLink(url) ?? page;
}

function citation(cited) {
  const link = sourceLink(cited);
  const at = cited.passage.indexOf(cited.quote);
  const before = cited.passage.slice(0, at);
  const after = cited.passage.slice(at + cited.quote.length);
  const place = [cited.title, cited.heading].filter(Boolean).join(" · ");
  return el("figure", {},
    el("blockquote", { cite: link }, el("p", {}, cited.quote)),
    el("figcaption", {}, "Source: ", el("a", { href: link, target: "_blank", rel: "noopener" }, place)),
    at >= 0 && (before.trim() || after.trim())
      ? el("details", { class: "passage" },
          el("summary", {}, "The paragraph around it"),
          el("p", {}, before, el("mark", {}, cited.quote), after))
      : null);
}

function verdict(reply) {
  const row = el("div", { class: "verdict", role: "group", "aria-label": "Was this helpful?" }, "Helpful?");
  for (const [label, helpful] of [["Yes", true], ["No", false]]) {
    const button = el("button", { type: "button", class: "quiet", "aria-pressed": "false" }, label);
    button.addEventListener("click", async () => {
      const response = await post("/api/feedback", { turn_id: reply.turn_id, helpful }).catch(() => null);
      if (!response?.ok) return fail("That could not be sent.");
      for (const other of row.querySelectorAll("button")) {
        other.setAttribute("aria-pressed", String(other === button));
      }
      status.textContent = "Thank you.";
    });
    row.append(button);
  }
  return row;
}

function suggestions(texts, label) {
  if (!texts.length) return null;
  const items = texts.map((text) =>
    el("li", {}, el("button", { type: "submit", name: "question", value: text }, text)));
  return el("form", { class: "suggestions", method: "post", action: "/ask" },
    label ? el("p", {}, label) : null, el("ol", {}, ...items));
}

function show(asked, reply, bubble) {
  const cited = reply.citations.length > 0;
  const shown = new Set([...reply.suggestions, reply.disclaimer ?? ""].map(plain));
  const all = reply.text.split("\n").filter((line) => line.trim());
  const lines = all.filter((line) => !shown.has(plain(line.replace(/^\s*(\d+[.)]|[-*•–])\s*/, ""))));
  // Where the text lists the suggestions, its own words lead into them.
  const listed = !cited && reply.suggestions.length > 0 && lines.length < all.length;
  const body = cited
    ? reply.citations.map(citation)
    : lines.map((line) => el("p", {}, line));
  const understood = cited && plain(reply.question) !== plain(asked)
    ? el("p", { class: "understood" }, `Understood as: ${reply.question}`)
    : null;
  if (cited) answers += 1;
  const disclaimer = reply.disclaimer
    ? el("details", { class: "disclaimer", open: answers === 1 },
        el("summary", {}, "Note of the source"), el("p", {}, reply.disclaimer))
    : null;
  transcript.querySelectorAll(".suggestions").forEach((old) => old.remove());
  transcript.append(
    el("article", { class: `reply ${reply.kind}` },
      understood,
      ...body,
      suggestions(reply.suggestions, listed ? null : "You can ask"),
      disclaimer,
      cited ? verdict(reply) : null));
  spoken.append(el("p", {}, reply.text));
  bubble.scrollIntoView({ block: "start" });
}

function fail(text, again) {
  problem.replaceChildren(text);
  if (again) {
    const button = el("button", { type: "button", class: "quiet" }, "Try again");
    button.addEventListener("click", again);
    problem.append(" ", button);
  }
}

function post(path, body) {
  return fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
}

async function send(question, id, bubble) {
  busy = true;
  problem.replaceChildren();
  status.textContent = "Looking it up …";
  form.querySelector("button").setAttribute("aria-disabled", "true");
  try {
    const response = await post("/api/ask", { question, conversation_id: conversation, client_id: id });
    const body = await response.json();
    if (!response.ok) {
      const later = response.status >= 500 || response.status === 429;
      fail(body.detail ?? "That did not work.", later ? () => send(question, id, bubble) : null);
      if (!later) {
        bubble.remove();
        field.value = question;
      }
      return;
    }
    conversation = body.conversation_id;
    form.elements.conversation_id.value = conversation;
    fresh.hidden = false;
    show(question, body, bubble);
  } catch {
    fail("No connection.", () => send(question, id, bubble));
  } finally {
    busy = false;
    status.textContent = "";
    form.querySelector("button").removeAttribute("aria-disabled");
  }
}

function ask(question) {
  if (busy || !question.trim()) return;
  transcript.querySelectorAll(".intro").forEach((intro) => intro.remove());
  const bubble = el("p", { class: "asked", dir: "auto" }, question);
  transcript.append(bubble);
  const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0"));
  send(question, id.join(""), bubble);
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target === form) {
    const question = field.value;
    if (!busy) field.value = "";
    ask(question);
  } else if (event.submitter) {
    transcript.focus({ preventScroll: true }); // the pressed button goes
    ask(event.submitter.value);
  }
});

field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

fresh.hidden = !conversation;
fresh.addEventListener("click", async () => {
  await fetch(`/api/conversations/${conversation}`, { method: "DELETE" }).catch(() => null);
  location.assign("/");
});
