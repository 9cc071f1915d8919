// The conversation on the visitor's device: only where they chose so, and gone when they say so.

const MOST = 50; // exchanges
const DAYS = 30;

/** Whether a kept message can be shown: any script of the page may have written it. */
function whole({ question, asked, replied, reply }) {
  return typeof question === "string" && Number.isFinite(asked) && Number.isFinite(replied) &&
    typeof reply?.text === "string" && [reply.citations, reply.missing, reply.suggestions].every(Array.isArray);
}

export class History {
  #key;

  /** One store for each bot and chat element of a website. */
  constructor(origin, id) {
    this.#key = `quoth ${origin} ${id}`.trim();
  }

  get chosen() { return this.#read() !== null; }

  /** {conversation, draft, messages}, or null where nothing is kept or it is too old. */
  load() {
    const kept = this.#read();
    if (!kept) return null;
    if (Array.isArray(kept.messages) && kept.messages.every(whole) && Date.now() - kept.saved < DAYS * 86_400_000) return kept;
    const nothing = { conversation: null, draft: "", messages: [] };
    this.save(nothing);
    return nothing;
  }

  save({ conversation, draft, messages }) {
    const kept = messages.slice(-MOST);
    this.#try((storage) =>
      storage.setItem(this.#key, JSON.stringify({ saved: Date.now(), conversation, draft, messages: kept })));
  }

  clear() { this.#try((storage) => storage.removeItem(this.#key)); }

  #read() {
    return this.#try((storage) => JSON.parse(storage.getItem(this.#key)));
  }

  /** Storage may be full, forbidden or broken into by another script: then nothing is kept. */
  #try(use) {
    try {
      return use(localStorage) ?? null;
    } catch {
      return null;
    }
  }
}
