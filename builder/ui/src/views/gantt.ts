// A Gantt chart: a bar is moved, and made longer or shorter at its ends, by pointer or by keyboard.
import { place, redraw } from "./placing";

const EDGE = 7;
type Part = "whole" | "start" | "end";

export function mount(chart: HTMLElement): void {
  const scroll = chart.querySelector<HTMLElement>(".gantt-scroll");
  if (scroll) scroll.scrollLeft = startOf(chart, scroll);
  if (chart.dataset.movable === undefined) return;
  for (const bar of chart.querySelectorAll<SVGAElement>(".gantt-bar")) setUp(chart, bar);
}

// Where the chart opens: today with some days before it, else the first bar.
function startOf(chart: HTMLElement, scroll: HTMLElement): number {
  const today = Number(chart.dataset.today ?? -1);
  const bars = [...chart.querySelectorAll<SVGRectElement>(".gantt-bar rect")].map((rect) => rect.x.baseVal.value);
  const [first, last] = bars.length ? [Math.min(...bars), Math.max(...bars)] : [0, 0];
  const near = today >= first && today <= last + scroll.clientWidth / 2;
  return Math.max(0, (near ? today - scroll.clientWidth / 3 : first) - 24);
}

function setUp(chart: HTMLElement, bar: SVGAElement): void {
  const rect = bar.querySelector("rect")!;
  const day = Number(chart.dataset.day ?? 1);
  let from = 0;
  let part: Part = "whole";
  let days = 0;
  let dragging = false;
  const { x, width } = { x: rect.x.baseVal.value, width: rect.width.baseVal.value };
  const draw = () => {
    const moved = days * day;
    rect.setAttribute("x", String(part === "end" ? x : x + (part === "start" ? Math.min(moved, width - day) : moved)));
    rect.setAttribute("width", String(Math.max(day, part === "end" ? width + moved : part === "start" ? width - moved : width)));
  };
  bar.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const box = rect.getBoundingClientRect();
    const wide = box.width > EDGE * 3;
    part = wide && event.clientX > box.right - EDGE ? "end" : wide && event.clientX < box.left + EDGE ? "start" : "whole";
    [from, days, dragging] = [event.clientX, 0, true];
    bar.setPointerCapture(event.pointerId);
  });
  bar.addEventListener("pointermove", (event) => {
    if (!dragging) return;
    days = Math.round((event.clientX - from) / day);
    draw();
  });
  bar.addEventListener("dragstart", (event) => event.preventDefault());
  bar.addEventListener("pointercancel", () => {
    [dragging, days] = [false, 0];
    draw();
  });
  bar.addEventListener("pointerup", () => {
    dragging = false;
    if (days) void send(chart, bar, part, days);
  });
  bar.addEventListener("click", (event) => days && event.preventDefault());
  bar.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (!step || !event.altKey) return;
    event.preventDefault();
    void send(chart, bar, event.shiftKey ? "end" : "whole", step);
  });
}

async function send(chart: HTMLElement, bar: SVGAElement, part: Part, days: number): Promise<void> {
  const card = bar as unknown as HTMLElement;
  await place(chart, card, part === "whole" ? { days } : { [`${part}_days`]: days });
  await redraw(card.dataset.card ?? "");
}
