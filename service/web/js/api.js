// The service's answers. Nothing here knows the page.

/** What went wrong, by a key into the words; `detail` is the service's own sentence, if it said one. */
export class Refusal extends Error {
  constructor(kind, detail = "") {
    super(detail || kind);
    this.kind = kind;
    this.detail = detail;
  }
}

const KEY = "konkyo-key";

let key = null;
try {
  key = sessionStorage.getItem(KEY);
} catch {
  // A browser may forbid it: then a key holds for this visit.
}

/** Answer with a key from now on, in this tab alone: a service may have been given keys. */
export function useKey(given) {
  key = given;
  try {
    sessionStorage.setItem(KEY, given);
  } catch {
    // Then it holds for this visit.
  }
}

/** Whether the service is answered with a key. */
export function hasKey() {
  return Boolean(key);
}

function headers() {
  return key ? { "X-API-Key": key } : {};
}

/** The query of an operation, without what is not set. */
export function query(parameters) {
  const set = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString();
}

async function answered(request) {
  let response;
  try {
    response = await request;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("unreachable");
  }
  if (response.ok) return response;
  // A proxy in between may answer with something else than a problem.
  const problem = await response.json().catch(() => ({}));
  const slug = (problem.type ?? "").split(":").pop();
  const refused = slug === "unauthorized" && hasKey() ? "wrong-key" : slug;
  const kind = response.status === 503 ? "busy" : response.status >= 500 ? "unreachable" : refused;
  throw new Refusal(kind || "refused", problem.detail);
}

/** Ask about a picture; the answer as JSON, or with another `format` as a blob. */
export async function ask(path, picture, parameters, signal) {
  const url = `${path}?${query(parameters)}`;
  const response = await answered(fetch(url, { method: "POST", body: picture, headers: { ...headers(), "Content-Type": picture.type }, signal }));
  return parameters.format ? response.blob() : response.json();
}

export async function models() {
  return (await answered(fetch("/models", { headers: headers() }))).json();
}

const cards = new Map();

/** What the service says of one network: asked for once. */
export function card(name) {
  if (!cards.has(name)) {
    const asked = answered(fetch(`/models/${encodeURIComponent(name)}`, { headers: headers() })).then((response) => response.json());
    cards.set(name, asked);
    asked.catch(() => cards.delete(name));
  }
  return cards.get(name);
}

/** The logits of an image of numbers, exactly as they are: a file would round them. */
export async function logits(name, image, shape) {
  const images = { name: "images", datatype: "FP32", shape: [1, ...shape], data: image.flat(Infinity) };
  const body = JSON.stringify({ inputs: [images], outputs: [{ name: "logits" }] });
  const url = `/v2/models/${encodeURIComponent(name)}/infer`;
  const response = await answered(fetch(url, { method: "POST", body, headers: { ...headers(), "Content-Type": "application/json" } }));
  return (await response.json()).outputs[0].data;
}

/** Whether the service is there. */
export async function alive() {
  return fetch("/readyz").then(
    (response) => response.ok,
    () => false,
  );
}
