// Stock phrases: a click puts one where the comment is being written.
export function mount(menu: HTMLElement): void {
  menu.addEventListener("click", (event) => {
    const chosen = (event.target as Element).closest<HTMLElement>("[data-phrase]");
    const area = document.getElementById(menu.dataset.target ?? "") as HTMLTextAreaElement | null;
    if (!chosen || !area) return;
    const text = chosen.textContent ?? "";
    const gap = area.value && !/\s$/.test(area.value.slice(0, area.selectionStart)) ? " " : "";
    area.setRangeText(gap + text, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
    menu.removeAttribute("open");
    area.focus();
  });
}
