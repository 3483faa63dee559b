// Record forms: nothing typed is lost by accident, a double click sends once, the first problem gets the focus.
export function setUpForms(): void {
  focusFirstProblem(document);
  document.addEventListener("htmx:afterSettle", (event) => focusFirstProblem((event as CustomEvent).detail.elt as ParentNode));
  document.addEventListener("input", (event) => {
    (event.target as Element).closest<HTMLFormElement>("form[data-guard]")?.setAttribute("data-dirty", "");
  });
  document.addEventListener("submit", (event) => sendOnce(event.target as HTMLFormElement, event));
  window.addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy]").forEach((form) => form.removeAttribute("aria-busy")));
  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector("form[data-guard][data-dirty]:not([aria-busy])")) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
    const form = document.querySelector<HTMLFormElement>("form[data-guard]");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

function sendOnce(form: HTMLFormElement, event: Event): void {
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.getAttribute("aria-busy") === "true") event.preventDefault();
  else if (!form.hasAttribute("hx-post")) form.setAttribute("aria-busy", "true");
}

function focusFirstProblem(root: ParentNode): void {
  const first = root.querySelector<HTMLElement>("[aria-invalid='true']");
  first?.focus();
}
