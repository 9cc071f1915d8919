// The first page: its questions are asked in its chat, and the configurator writes the line to copy.

const live = document.getElementById("live");
const form = document.getElementById("configurator");
const preview = document.getElementById("preview");
const code = document.getElementById("snippet");
const copy = document.getElementById("copy");
const { src, integrity } = code.parentElement.dataset;

// The questions that it knows

document.getElementById("knows").addEventListener("submit", (event) => {
  event.preventDefault();
  live.scrollIntoView({ block: "nearest" });
  live.ask(event.submitter.value);
});

// The configurator

const DEFAULTS = { mode: "floating", position: "end", theme: "auto", accent: "#0b6068" };
const quoted = (value) => value.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

function chosen() {
  return [...new FormData(form)].filter(([name, value]) => value && value !== DEFAULTS[name]);
}

function write() {
  const data = chosen().map(([name, value]) => `\n  data-${name}="${quoted(value)}"`);
  code.textContent = `<script src="${location.origin}${src}"\n  integrity="${integrity}"\n  crossorigin="anonymous" defer${data.join("")}></script>`;
}

function show() {
  const chat = document.createElement("quoth-chat");
  for (const [name, value] of chosen()) chat.setAttribute(name, value);
  chat.setAttribute("history", "off"); // the page's own chat offers it
  chat.id = "previewed";
  chat.setAttribute("open", "");
  preview.append(chat);
}

form.hidden = preview.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", (event) => {
  write();
  const chat = preview.querySelector("quoth-chat");
  const { name, value } = event.target;
  if (value && value !== DEFAULTS[name]) chat.setAttribute(name, value);
  else chat.removeAttribute(name);
});
write();
show();

copy.hidden = !navigator.clipboard;
copy.addEventListener("click", async () => {
  await navigator.clipboard.writeText(code.textContent);
  document.getElementById("copied").textContent = "Copied.";
});
