// A bell for any page: <script src="…/mailbox/page.js"></script> and <carillon-bell></carillon-bell>.
// Its `token` is a user's token, or a function that gives one (or a promise of one) each time it is asked.
"use strict";

(() => {
  const here = new URL(document.currentScript.src);
  const PROTOCOL = "carillon.v1";
  const FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 30_000;
  const UNAUTHENTICATED = 4401, FORBIDDEN = 4403;

  const made = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  class Bell extends HTMLElement {
    #token = null;
    #socket = null;
    #timer = null;
    #tries = 0;
    #cursor = "0";
    #messages = new Map();
    #waiting = new Map(); // acts that are not durable yet, by act
    #badge = made("span", { className: "badge", hidden: true });
    #shape = made("span", { className: "shape" });
    #button = made("button", { type: "button", className: "bell", ariaExpanded: "false" }, this.#shape, this.#badge);
    #list = made("ol", { className: "list" });
    #state = made("p", { className: "state", role: "status" });
    #panel = made("div", { className: "panel", hidden: true }, this.#list, this.#state);

    constructor() {
      super();
      this.#button.setAttribute("aria-label", "Notifications");
      this.#button.addEventListener("click", () => this.#open(this.#panel.hidden));
      const style = made("link", { rel: "stylesheet", href: new URL("page.css", here).href });
      this.attachShadow({ mode: "open" }).append(style, this.#button, this.#panel);
    }

    set token(value) {
      this.#token = value;
      this.#forget(); // it may be another user's
      this.#again(0);
    }

    get connected() {
      return this.#socket !== null && this.#socket.readyState === WebSocket.OPEN;
    }

    connectedCallback() {
      if (this.#token) this.#again(0);
    }

    disconnectedCallback() {
      clearTimeout(this.#timer);
      this.#socket?.close();
      this.#socket = null;
    }

    #forget() {
      this.#socket?.close();
      this.#socket = null;
      this.#cursor = "0";
      this.#messages.clear();
      this.#badge.hidden = true;
      this.#draw();
    }

    #again(after) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#connect(), after);
    }

    async #connect() {
      if (!this.#token || !this.isConnected) return;
      this.#socket?.close();
      const given = this.#token;
      let token;
      try {
        token = typeof given === "function" ? await given() : given;
      } catch {
        if (given === this.#token) this.#later();
        return;
      }
      if (given !== this.#token || !this.isConnected) return;
      const url = new URL("../ws", here);
      url.protocol = url.protocol.replace("http", "ws");
      url.searchParams.set("cursor", this.#cursor);
      const socket = new WebSocket(url, [PROTOCOL, `bearer.${token}`]);
      this.#socket = socket;
      socket.onmessage = (event) => socket === this.#socket && this.#heard(JSON.parse(event.data));
      socket.onclose = (event) => socket === this.#socket && this.#closed(event.code);
      this.#says("Connecting…");
    }

    #closed(code) {
      this.#socket = null;
      const isRefused = code === UNAUTHENTICATED || code === FORBIDDEN;
      if (isRefused && typeof this.#token !== "function") {
        this.#says("Not signed in.");
        this.dispatchEvent(new CustomEvent("refused", { detail: { code } }));
        return;
      }
      this.#later();
    }

    #later() {
      const most = Math.min(FIRST_WAIT_MS * 2 ** this.#tries, LONGEST_WAIT_MS);
      this.#tries += 1;
      this.#says("Offline; trying again.");
      this.#again(most / 2 + (Math.random() * most) / 2);
    }

    #heard(frame) {
      if (frame.message_id) this.#took(frame);
      for (const one of frame.changed ?? []) this.#changed(one);
      for (const id of frame.gone ?? []) this.#messages.delete(id);
      for (const [act, ids] of Object.entries(frame.done ?? {})) {
        const waiting = this.#waiting.get(act);
        for (const id of [ids].flat()) waiting?.delete(id);
      }
      if (frame.counts) {
        this.#tries = 0;
        this.#says("");
        this.#badge.textContent = frame.counts.unread > 99 ? "99+" : String(frame.counts.unread);
        this.#badge.hidden = frame.counts.unread === 0;
        for (const [act, ids] of this.#waiting) if (ids.size) this.#send(act, [...ids]);
      }
      this.#draw();
    }

    #took(message) {
      this.#messages.set(message.message_id, message);
      if (BigInt(message.cursor) > BigInt(this.#cursor)) this.#cursor = message.cursor;
      this.#act("ack", message);
      if (!this.#panel.hidden) this.#act("seen", message);
      this.dispatchEvent(new CustomEvent("message", { detail: message }));
    }

    #changed(one) {
      const known = this.#messages.get(one.message_id);
      if (one.is_archived) this.#messages.delete(one.message_id);
      else if (known) Object.assign(known, one);
    }

    #act(act, message) {
      if (!this.#waiting.has(act)) this.#waiting.set(act, new Set());
      this.#waiting.get(act).add(message.message_id);
      this.#send(act, [message.message_id]);
    }

    #send(act, ids) {
      for (let at = 0; this.connected && at < ids.length; at += 100)
        this.#socket.send(JSON.stringify({ [act]: ids.slice(at, at + 100) }));
    }

    #open(isOpen) {
      this.#panel.hidden = !isOpen;
      this.#button.ariaExpanded = String(isOpen);
      if (isOpen) for (const one of this.#messages.values()) if (!one.is_seen) this.#act("seen", one);
    }

    #draw() {
      const newest = [...this.#messages.values()].reverse();
      this.#list.replaceChildren(...newest.map((one) => this.#row(one)));
      this.#list.hidden = newest.length === 0;
    }

    #row(one) {
      const title = made("button", { type: "button", className: "title" }, one.title || one.notification_type);
      title.addEventListener("click", () => this.#act("read", one));
      const away = made("button", { type: "button", className: "away", title: "Archive" }, "×");
      away.addEventListener("click", () => this.#act("archive", one));
      const time = made("time", { dateTime: one.created_at }, new Date(one.created_at).toLocaleString());
      const row = made("li", { className: one.is_read ? "read" : "unread" }, title, away);
      row.append(made("p", {}, one.body), time);
      row.dataset.id = one.message_id;
      return row;
    }

    #says(text) {
      this.#state.textContent = text;
    }
  }

  customElements.define("carillon-bell", Bell);

  const form = document.getElementById("sign-in"); // of our own page only
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    document.querySelector("carillon-bell").token = form.elements.token.value.trim();
  });
})();
