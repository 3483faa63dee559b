// Work that must be done before a form is sent: uploads that are under way, a signature that is drawn but not yet kept.
type Task = () => Promise<boolean>;
const tasks = new WeakMap<HTMLFormElement, Set<Task>>();

/** Runs `task` before `form` is sent; when it gives false, the form stays. */
export function beforeSending(form: HTMLFormElement | null, task: Task): void {
  if (!form) return;
  const known = tasks.get(form) ?? new Set<Task>();
  known.add(task);
  tasks.set(form, known);
}

export function setUpPending(): void {
  document.addEventListener("submit", hold, true);
}

function hold(event: SubmitEvent): void {
  const form = event.target as HTMLFormElement;
  const known = tasks.get(form);
  if (!known?.size || form.dataset.settled) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const submitter = event.submitter;
  void Promise.all([...known].map((task) => task())).then((done) => {
    if (done.includes(false)) return;
    // In a turn of its own: while the event is still under way, a form sends itself no second time.
    setTimeout(() => {
      form.dataset.settled = "yes";
      form.requestSubmit(submitter);
      delete form.dataset.settled;
    });
  });
}

export function changed(element: Element): void {
  element.dispatchEvent(new Event("input", { bubbles: true }));
  element.dispatchEvent(new Event("change", { bubbles: true }));
}

export function token(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "";
}

export function fill(text: string, values: Record<string, string | number>): string {
  return text.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => String(values[name] ?? ""));
}
