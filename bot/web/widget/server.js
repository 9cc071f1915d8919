// What the chat asks of the server. Nothing of the visitor's goes with it but what is in the call.

/** The server's "no": `status`, `detail` for a person, `wait` in seconds where it says when to come back. */
export class Refused extends Error {
  constructor(status, detail, wait) {
    super(detail);
    this.status = status;
    this.detail = detail;
    this.wait = wait;
  }
}

export class Server {
  constructor(origin) {
    this.origin = origin;
  }

  /** {title, language, privacy, contact, max_question_chars, documents: [{id, title, url, disclaimer}]} */
  about() { return this.#call("/api/about"); }

  /** Questions that go on from `begun`, or the first ones to offer. */
  async suggestions(begun, signal) {
    return (await this.#call(`/api/suggestions?q=${encodeURIComponent(begun)}`, { signal })).suggestions;
  }

  /** The reply. The same `id` in the same conversation gets the same reply. */
  ask(question, id, conversation, signal) {
    return this.#post("/api/ask", { question, client_id: id, conversation_id: conversation }, signal);
  }

  feedback(turn, helpful, comment) {
    return this.#post("/api/feedback", { turn_id: turn, helpful, comment });
  }

  forget(conversation) {
    return this.#call(`/api/conversations/${encodeURIComponent(conversation)}`, { method: "DELETE" });
  }

  #post(path, body, signal) {
    return this.#call(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal,
    });
  }

  /** The JSON of a response, null where there is none. Throws Refused; a TypeError without a connection. */
  async #call(path, options = {}) {
    const response = await fetch(this.origin + path, { credentials: "omit", ...options });
    if (response.ok) return response.status === 204 ? null : response.json();
    const problem = await response.json().catch(() => ({}));
    const wait = Number.parseInt(response.headers.get("Retry-After"), 10);
    throw new Refused(response.status, problem.detail ?? "", Number.isNaN(wait) ? null : wait);
  }
}
