// Dialogs: opened by a button, filled from the server when it says so, and the one that asks "are you sure?".
export function setUpDialogs(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const opener = target.closest<HTMLElement>("[data-dialog]");
    if (opener) dialog(opener.dataset.dialog)?.showModal();
    if (target.closest("[data-close]")) target.closest("dialog")?.close();
    if (target instanceof HTMLDialogElement && target.open) closeOnBackdrop(target, event as MouseEvent);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const box = (event as CustomEvent).detail.target as HTMLElement;
    const host = box.closest<HTMLDialogElement>("dialog[data-fill]");
    if (host && !host.open && box.childElementCount) host.showModal();
  });
  document.addEventListener("close-dialog", () => document.querySelector<HTMLDialogElement>("dialog[open]")?.close());
  document.addEventListener("htmx:confirm", (event) => {
    const detail = (event as CustomEvent).detail;
    if (!detail.question) return;
    event.preventDefault();
    void ask(detail.question).then((yes) => yes && detail.issueRequest(true));
  });
  document.addEventListener("submit", confirmSubmit, true);
  document.addEventListener("ask", (event) => {
    const { question, then } = (event as CustomEvent<{ question: string; then: () => void }>).detail;
    void ask(question).then((yes) => yes && then());
  });
}

function dialog(id: string | undefined): HTMLDialogElement | null {
  return id ? (document.getElementById(id) as HTMLDialogElement | null) : null;
}

function closeOnBackdrop(box: HTMLDialogElement, event: MouseEvent): void {
  const area = box.getBoundingClientRect();
  const inside = event.clientX >= area.left && event.clientX <= area.right && event.clientY >= area.top && event.clientY <= area.bottom;
  if (!inside && event.clientX + event.clientY > 0) box.close();
}

function confirmSubmit(event: SubmitEvent): void {
  const form = event.target as HTMLFormElement;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (!question || form.dataset.confirmed) return;
  event.preventDefault();
  event.stopPropagation();
  void ask(question).then((yes) => {
    if (!yes) return;
    form.dataset.confirmed = "yes";
    form.requestSubmit(event.submitter);
    delete form.dataset.confirmed;
  });
}

function ask(question: string): Promise<boolean> {
  const box = dialog("confirm");
  if (!box) return Promise.resolve(false);
  box.querySelector("[data-question]")!.textContent = question;
  box.returnValue = "";
  box.showModal();
  return new Promise((resolve) => box.addEventListener("close", () => resolve(box.returnValue === "yes"), { once: true }));
}
