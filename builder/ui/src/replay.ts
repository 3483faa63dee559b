// The replay of an instance: arrow keys, Home and End go where its buttons go.
const TYPING = /^(INPUT|TEXTAREA|SELECT)$/;

export function mount(element: HTMLElement): void {
  const gone = new AbortController();
  document.addEventListener("keydown", (event) => {
    if (!element.isConnected) return gone.abort();
    if (event.altKey || event.ctrlKey || event.metaKey || TYPING.test((event.target as Element).tagName)) return;
    const button = element.querySelector<HTMLElement>(`[data-key="${CSS.escape(event.key)}"]`);
    if (!button) return;
    event.preventDefault();
    button.click();
  }, { signal: gone.signal });
}
