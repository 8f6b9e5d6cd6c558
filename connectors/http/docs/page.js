"use strict";

// Tries operations from the page. Nothing that comes back is read as HTML, and nothing is kept.

function query(input) {
  const value = input.value.trim();
  if (input.dataset.style === "deepObject") {
    // One pair for each of `a=1, b=2`.
    return value.split(",").map((pair) => {
      const cut = pair.indexOf("=");
      return [`${input.name}[${pair.slice(0, cut).trim()}]`, pair.slice(cut + 1).trim()];
    });
  }
  const many = input.dataset.style === "form" ? value.split(",") : [value];
  return many.map((each) => [input.name, each.trim()]);
}

function request(form) {
  const headers = new Headers();
  const asked = new URLSearchParams();
  let path = form.dataset.path;
  for (const input of form.querySelectorAll("input")) {
    if (input.value.trim() === "") continue;
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value.trim()));
    if (input.dataset.in === "query") for (const [name, value] of query(input)) asked.append(name, value);
    if (input.dataset.in === "header") headers.set(input.name, input.value.trim());
  }
  const bearer = document.getElementById("bearer").value.trim();
  if (bearer !== "") headers.set("Authorization", `Bearer ${bearer}`);
  const body = form.querySelector("textarea");
  if (body) headers.set("Content-Type", "application/json");
  const text = asked.toString();
  return [text ? `${path}?${text}` : path, { method: form.dataset.method, headers, body: body ? body.value : undefined }];
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function send(form) {
  const output = form.querySelector("output");
  output.textContent = "…";
  try {
    const [url, options] = request(form);
    const answer = await fetch(url, { ...options, credentials: "omit", redirect: "manual" });
    const named = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    output.textContent = `${answer.status} ${answer.statusText}\n${named}\n\n${pretty(await answer.text())}`;
  } catch (error) {
    output.textContent = String(error);
  }
}

function find(words) {
  for (const one of document.querySelectorAll(".operation")) {
    one.hidden = !one.querySelector("summary").textContent.toLowerCase().includes(words.toLowerCase());
  }
  for (const section of document.querySelectorAll("main > section")) {
    const members = [...section.querySelectorAll(".operation")];
    section.hidden = words !== "" && members.every((one) => one.hidden);
  }
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}
document.getElementById("find").addEventListener("input", (event) => find(event.target.value.trim()));
const named = document.getElementById(location.hash.slice(1));
if (named) named.open = true;
