// The panel's look. Colours are variables of the root; a page sets its own through --quoth-….
// Sizes are in em, of the visitor's own text size.

const LIGHT = `
  --surface: var(--quoth-surface, #fff); --ground: var(--quoth-ground, #f7f6f2); --ink: var(--quoth-ink, #1d2428);
  --soft: #56616a; --line: #d9d7cf; --tint: #e4f0ef; --mark: #ffe9a3; --alarm: #9c2417; --link: #0b6068;`;
const DARK = `
  --surface: var(--quoth-surface, #1d2427); --ground: var(--quoth-ground, #161b1e); --ink: var(--quoth-ink, #e8ecec);
  --soft: #a7b3b8; --line: #3a464b; --tint: #21393b; --mark: #5f4d0c; --alarm: #ffa396; --link: #6cc8c5;`;
const STRONG = `
  --surface: #fff; --ground: #fff; --ink: #000; --soft: #000; --line: #000; --tint: #fff; --mark: #ffe600; --alarm: #8a0000;
  --link: #00209c;`;
const STRONG_DARK = `
  --surface: #000; --ground: #000; --ink: #fff; --soft: #fff; --line: #fff; --tint: #000; --mark: #4d4400; --alarm: #ffb3a7;
  --link: #9fd0ff;`;
const AUTO = `:host(:not([theme])) .root, :host([theme="auto"]) .root`;

const CSS = `
.root { ${LIGHT} color-scheme: light; color: var(--ink); }
@media (prefers-color-scheme: dark) { ${AUTO} { ${DARK} color-scheme: dark; } }
:host([theme="dark"]) .root { ${DARK} color-scheme: dark; }
/* An owner's accent is a fill as it is; as text and lines it is made dark or light enough to read. */
@supports (color: oklch(from red l c h)) {
  .root { --link: oklch(from var(--accent) min(l, 0.5) c h); --tint: color-mix(in oklab, var(--accent) 11%, var(--surface)); }
  @media (prefers-color-scheme: dark) { ${AUTO} { --link: oklch(from var(--accent) max(l, 0.78) c h); --tint: color-mix(in oklab, var(--accent) 18%, var(--surface)); } }
  :host([theme="dark"]) .root { --link: oklch(from var(--accent) max(l, 0.78) c h); --tint: color-mix(in oklab, var(--accent) 18%, var(--surface)); }
}
@media (prefers-contrast: more) { ${AUTO} { ${STRONG} } }
:host([theme="contrast"]) .root { ${STRONG} color-scheme: light; }
@media (prefers-color-scheme: dark) {
  :host([theme="contrast"]) .root { ${STRONG_DARK} color-scheme: dark; }
  @media (prefers-contrast: more) { ${AUTO} { ${STRONG_DARK} } }
}

:host([mode="inline"]) { height: var(--quoth-height, 36rem); }
:host([mode="inline"]) .root { height: 100%; }

.panel, .panel * { box-sizing: border-box; }
.panel {
  display: flex; flex-direction: column; margin: 0; padding: 0; overflow: hidden; border: 1px solid var(--line);
  border-radius: var(--quoth-radius, 0.9em); background: var(--ground); color: var(--ink); overflow-wrap: anywhere;
}
.panel.inline { height: 100%; min-height: 0; }
.panel.floating { position: fixed; z-index: var(--quoth-z, 2147483000); inset: auto;
  inset-block-end: calc(var(--quoth-offset, 1.25em) + env(safe-area-inset-bottom));
  inset-inline-end: calc(var(--quoth-offset, 1.25em) + env(safe-area-inset-right));
  width: var(--quoth-width, 25.5em); max-width: calc(100vw - 2.5em);
  height: min(var(--quoth-height, 42em), 100vh - 2.5em); height: min(var(--quoth-height, 42em), 100dvh - 2.5em);
  box-shadow: 0 0.2em 0.7em rgb(0 0 0 / 0.14), 0 1.2em 3.6em rgb(0 0 0 / 0.24); }
:host([position="start"]) .panel.floating {
  inset-inline: calc(var(--quoth-offset, 1.25em) + env(safe-area-inset-left)) auto; }
.panel:not([open]).floating { display: none; }
.panel:focus { outline: none; }
.panel :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.panel .transcript:focus-visible { outline-offset: -3px; }
.panel [hidden] { display: none !important; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.panel :is(h2, h3, p, ul, dl, dd, figure, blockquote) { margin: 0; padding: 0; }
.panel :is(button, input, textarea) { font: inherit; color: inherit; letter-spacing: inherit; }
.panel button { cursor: pointer; }
.panel a { color: var(--link); text-underline-offset: 0.18em; }
.soft { color: var(--soft); font-size: 0.875em; }

.head { display: flex; align-items: center; gap: 0.15em; padding-block: 0.6em; padding-inline: 1.1em 0.55em;
  border-bottom: 1px solid var(--line); background: var(--surface); }
.sign { display: grid; place-items: start center; width: 1.55em; height: 1.55em; flex: none; margin-inline-end: 0.6em; border-radius: 0.5em; border-end-start-radius: 0.1em; overflow: hidden;
  background: var(--accent); color: var(--on-accent); font: 700 1.25em/1.3 Georgia, "Noto Serif", "DejaVu Serif", serif; }
h2 { flex: 1; min-width: 0; font-size: 1em; font-weight: 650; line-height: 1.3; text-wrap: balance; }
.icon { width: 1.3em; height: 1.3em; flex: none; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.icon-button { display: grid; place-items: center; width: 2.35em; height: 2.35em; flex: none; padding: 0; border: 1px solid transparent;
  border-radius: 0.6em; background: none; color: var(--soft) !important; }
.icon-button:hover { background: var(--tint); color: var(--ink) !important; }
.icon-button[aria-pressed="true"], .icon-button[aria-expanded="true"] { border-color: var(--link); background: var(--tint); color: var(--link) !important; }

.menu { display: grid; gap: 0.5em; max-height: 55%; overflow-y: auto; padding: 0.9em 1.1em; border-bottom: 1px solid var(--line); background: var(--surface); font-size: 0.92em; flex: none; }
.choice { display: flex; gap: 0.6em; align-items: flex-start; }
.choice input { width: 1.7em; height: 1.7em; margin: 0; flex: none; accent-color: var(--link); }
.choice label { padding-block: 0.1em; }
h3 { margin-top: 0.5em !important; font-size: 1em; font-weight: 650; }
.keys { display: grid; gap: 0.3em; }
.keys div { display: grid; grid-template-columns: 8em 1fr; }
kbd { margin-inline-end: 0.25em; padding: 0.05em 0.4em; border: 1px solid var(--line); border-radius: 0.3em; background: var(--ground); font: inherit; font-size: 0.9em; }

.transcript { position: relative; flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; padding: 1.1em; }
.greeting { display: grid; gap: 1em; }
.privacy { color: var(--soft); font-size: 0.8em; line-height: 1.45; }
.turn { margin-top: 1.6em; }
.asked { display: grid; justify-items: end; }
.question { max-width: 88%; padding: 0.55em 0.95em !important; border-radius: 1.1em; border-end-end-radius: 0.25em; background: var(--tint);
  color: var(--ink); white-space: pre-line; border: 1px solid transparent; }
.time { margin-top: 0.25em; color: var(--soft); font-size: 0.75em; }
.reply { display: grid; gap: 0.75em; margin-top: 0.9em; justify-items: start; }
.reply > * { max-width: 100%; }
.reply > .time { margin-top: -0.4em; }
.wide { width: 100%; }
.actions .time { margin-inline-start: auto; }
.reply.safety > p:first-of-type { padding: 0.7em 0.95em; border: 1px solid var(--line); border-inline-start: 4px solid var(--alarm); border-radius: 0.4em; background: var(--surface); }
.understood, .missing { color: var(--soft); font-size: 0.875em; }

.quote { width: 100%; padding: 1em 1.1em 0.8em !important; border: 1px solid var(--line); border-inline-start: 4px solid var(--link); border-radius: 0.5em; background: var(--surface); }
blockquote, details p { font-family: var(--quoth-quote-font, Charter, "Iowan Old Style", "Source Serif 4", Georgia, "Noto Serif", "DejaVu Serif", serif); white-space: pre-line; }
blockquote { font-size: 1.1em; line-height: 1.5; }
figcaption { margin-top: 0.6em; color: var(--soft); font-size: 0.875em; }
figcaption a { display: inline-block; padding-block: 0.12em; }
details { margin-top: 0.2em; }
summary { width: fit-content; padding: 0.15em 0; color: var(--soft); font-size: 0.875em; cursor: pointer; min-height: 24px; }
details p { margin: 0.3em 0 0.2em !important; font-size: 0.97em; }
mark { padding: 0.08em 0; border-radius: 0.15em; background: var(--mark); color: inherit; }

.actions { display: flex; flex-wrap: wrap; align-items: center; gap: 0.1em; margin-inline-start: -0.5em; }
.actions .icon { width: 1.15em; height: 1.15em; }
.comment { display: grid; gap: 0.5em; justify-items: start; width: 100%; margin-top: 0.3em; }
.comment label { display: grid; gap: 0.3em; width: 100%; color: var(--soft); font-size: 0.875em; }
textarea { width: 100%; padding: 0.5em 0.7em; border: 1px solid var(--soft); border-radius: 0.5em; background: var(--surface); color: var(--ink) !important; font-size: 1em; resize: vertical; }

.suggestions { display: grid; gap: 0.45em; }
.suggestions ul { display: grid; gap: 0.45em; justify-items: start; list-style: none; }
.suggestion, .plain { min-height: 2.3em; padding: 0.4em 0.95em; border: 1px solid var(--soft); border-radius: 1.15em; background: var(--surface); line-height: 1.35; text-align: start; color: var(--ink) !important; }
.suggestion { border-color: color-mix(in srgb, var(--link) 55%, var(--line)); }
.suggestion:hover, .plain:hover { border-color: var(--link); background: var(--tint); }
.suggestion.used { border-style: dashed; background: none; color: var(--soft) !important; }
.suggestion .icon { width: 1em; height: 1em; margin-inline-start: 0.45em; vertical-align: -0.12em; stroke-width: 2.400; color: var(--link); }

.typing { display: flex; gap: 0.3em; padding: 1em 0.3em !important; }
.typing i { width: 0.5em; height: 0.5em; border-radius: 50%; background: var(--soft); }
.notice { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5em; padding: 0.7em 1.1em; border-top: 1px solid var(--line); background: var(--surface); color: var(--alarm); font-size: 0.92em; }
.notice:empty { padding: 0; border: 0; }
.notice p { flex: 1 1 14em; }

.composer { position: relative; display: flex; gap: 0.5em; padding: 0.6em 0.8em; border-top: 1px solid var(--line); background: var(--surface); flex: none; }
.composer input { flex: 1; min-width: 0; height: 2.75em; margin: 0; padding: 0 1em; border: 1px solid var(--soft); border-radius: 1.4em; background: var(--surface); color: var(--ink) !important; }
.composer input::placeholder { color: var(--soft); opacity: 1; }
.composer input:focus-visible { outline-offset: -1px; }
.send { display: grid; place-items: center; width: 2.75em; height: 2.75em; padding: 0; flex: none; border: 1px solid transparent; border-radius: 50%; background: var(--accent); color: var(--on-accent) !important; }
.send .icon { stroke-width: 2.200; }
.completions { position: absolute; z-index: 1; inset-inline: 0.8em; bottom: calc(100% - 0.2em); max-height: min(18em, 45vh); overflow-y: auto; padding: 0.3em !important;
  border: 1px solid var(--soft); border-radius: 0.8em; background: var(--surface); list-style: none; box-shadow: 0 -0.3em 1.6em rgb(0 0 0 / 0.16); }
.completions li { padding: 0.45em 0.7em; border-radius: 0.5em; line-height: 1.35; cursor: pointer; border: 2px solid transparent; }
.completions li:hover { background: var(--tint); }
.completions li[aria-selected="true"] { background: var(--tint); border-color: var(--link); }

.foot { padding: 0 1.1em calc(0.7em + env(safe-area-inset-bottom) * var(--full, 0)); background: var(--surface); color: var(--soft); font-size: 0.78em; line-height: 1.45; flex: none; max-height: 45%; overflow-y: auto; }
.note p { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; line-clamp: 3; overflow: hidden; }
@media (max-height: 34em) { .note p { -webkit-line-clamp: 2; line-clamp: 2; } }
.note.open p { display: block; }
.link { min-height: 24px; padding: 0; border: 0; background: none; color: var(--link) !important; text-decoration: underline; text-underline-offset: 0.18em; }
.foot > p { margin-top: 0.2em; }
.foot > p a { display: inline-block; min-height: 24px; }

@media (max-width: 30em), (max-height: 26em) {
  .panel.floating { --full: 1; inset: 0 !important; width: 100%; max-width: none; height: 100%; height: 100dvh; max-height: none; border: 0; border-radius: 0;
    padding-inline: env(safe-area-inset-left) env(safe-area-inset-right); padding-block-start: env(safe-area-inset-top); }
  .panel.floating::backdrop { background: none; }
}
/* A low window, or a page zoomed in far: all scrolls together, so that nothing covers what is read. */
@media (max-height: 22em) {
  .panel.floating { display: block; overflow-y: auto; }
  .panel.floating :is(.menu, .foot) { max-height: none; }
  .panel.floating .transcript { overflow: visible; }
}
@media (prefers-reduced-motion: no-preference) {
  .panel.floating[open] { animation: rise 0.18s ease-out; }
  .typing i { animation: wait 1.2s infinite ease-in-out; }
  .typing i:nth-child(2) { animation-delay: 0.15s; }
  .typing i:nth-child(3) { animation-delay: 0.3s; }
  @keyframes rise { from { opacity: 0; transform: translateY(0.7em); } }
  @keyframes wait { 0%, 60%, 100% { opacity: 0.35; } 30% { opacity: 1; } }
}
:host([theme="contrast"]) .panel :is(.question, .suggestion, .icon-button, .send) { border-color: var(--line); }
@media (prefers-contrast: more) { .panel :is(.question, .suggestion, .icon-button, .send) { border-color: var(--line) !important; } }
@media (forced-colors: active) {
  .panel :is(.question, .icon-button, .send, .sign) { border: 1px solid CanvasText; }
  .quote, .safety > p:first-of-type { border-inline-start-color: Highlight !important; }
  .completions li[aria-selected="true"], .icon-button[aria-pressed="true"] { forced-color-adjust: none; background: Highlight; color: HighlightText !important; border-color: HighlightText; }
  mark { forced-color-adjust: none; background: Mark; color: MarkText; }
  .typing i { background: CanvasText; }
}
@media print { .panel.floating { display: none; } }
`;

let sheet = null;

/** One sheet, shared by all chats of a page. */
export function styles() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
