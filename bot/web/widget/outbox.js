// The questions on their way: one at a time, in order, each until it has its reply. A message keeps
// its id however often it is sent, so that the server answers it once.

import { Refused } from "./server.js";

const LONGEST_PAUSE = 30; // seconds between two tries without a connection
const TIMEOUT = 30; // seconds for a reply

/**
 * A message's `state`: "waiting" to be sent, "sending", "answered", or "failed" until it is sent
 * again by hand.
 */
export class Outbox {
  #messages = [];
  #ask;
  #tell;
  #timer = 0;
  #held = false; // the server said when to come back: not earlier, whatever else is asked
  #pause = 1;
  #sending = null;

  /** `ask(message, signal)` gives a reply; `tell(what, message, error)` hears of every change. */
  constructor(ask, tell) {
    this.#ask = ask;
    this.#tell = tell;
    addEventListener("online", this.#online);
  }

  get busy() { return this.#messages.length > 0; }

  add(message) {
    message.state = "waiting";
    this.#messages.push(message);
    if (!this.#held) this.retry();
  }

  /** Send now whatever waits, and what failed. */
  retry() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#held = false;
    for (const message of this.#messages) {
      if (message.state === "failed") message.state = "waiting";
    }
    this.#next();
  }

  /** Forget all messages; a reply under way goes nowhere. */
  clear() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#held = false;
    this.#messages = [];
    this.#sending?.abort();
    this.#sending = null;
  }

  destroy() {
    this.clear();
    removeEventListener("online", this.#online);
  }

  #online = () => {
    this.#pause = 1;
    if (this.#timer || !this.#sending) this.retry();
  };

  async #next() {
    const message = this.#messages.find((one) => one.state === "waiting");
    if (this.#sending || !message) return;
    const sending = new AbortController();
    this.#sending = sending;
    const timeout = setTimeout(() => sending.abort(new TypeError("no reply")), TIMEOUT * 1000);
    message.state = "sending";
    this.#tell("sending", message);
    try {
      const reply = await this.#ask(message, sending.signal);
      if (this.#sending !== sending) return;
      this.#done(message, "answered");
      this.#pause = 1;
      this.#tell("answered", message, reply);
    } catch (error) {
      if (this.#sending !== sending) return;
      this.#fail(message, error);
    } finally {
      clearTimeout(timeout);
    }
    this.#sending = null;
    if (!this.#timer) this.#next();
  }

  #done(message, state) {
    message.state = state;
    this.#messages = this.#messages.filter((one) => one !== message);
  }

  #fail(message, error) {
    const refused = error instanceof Refused;
    if (refused && ![408, 429].includes(error.status) && error.status < 500) {
      this.#done(message, "refused");
      this.#tell("refused", message, error);
      return;
    }
    if (refused && error.wait === null) {
      message.state = "failed";
      this.#tell("failed", message, error);
      return;
    }
    message.state = "waiting";
    this.#held = refused;
    const pause = refused ? Math.max(1, error.wait) : this.#pause;
    if (!refused) this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
    this.#timer = setTimeout(() => this.retry(), pause * 1000);
    this.#tell(refused ? "busy" : "offline", message, error);
  }
}
