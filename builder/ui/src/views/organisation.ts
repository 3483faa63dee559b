// An organisation chart: what is below somebody can be folded away.
export function mount(chart: HTMLElement): void {
  // A wide chart opens at its top, not at its left end.
  const top = chart.querySelector<HTMLElement>(".org-card");
  if (top) chart.scrollLeft = top.getBoundingClientRect().left - chart.getBoundingClientRect().left - (chart.clientWidth - top.offsetWidth) / 2;
  chart.addEventListener("click", (event) => {
    const toggle = (event.target as Element).closest<HTMLElement>(".org-toggle");
    if (!toggle) return;
    const below = toggle.closest("li")?.querySelector<HTMLElement>(":scope > ul");
    const open = toggle.getAttribute("aria-expanded") !== "true";
    toggle.setAttribute("aria-expanded", String(open));
    below?.toggleAttribute("hidden", !open);
  });
}
