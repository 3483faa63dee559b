// A chart: ECharts options (data only) in a JSON block beside it; a click follows the address of the mark.
import { BarChart, LineChart, PieChart, ScatterChart } from "echarts/charts";
import { DatasetComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TitleComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, LineChart, PieChart, ScatterChart, DatasetComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TitleComponent, TooltipComponent, VisualMapComponent, SVGRenderer]);

export function mount(element: HTMLElement): void {
  const source = element.querySelector('script[type="application/json"]');
  if (!source?.textContent) return;
  const options = JSON.parse(source.textContent);
  const canvas = document.createElement("div");
  canvas.className = "chart";
  element.append(canvas);
  const style = getComputedStyle(document.documentElement);
  const chart = init(canvas, null, { renderer: "svg" });
  chart.setOption({
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    textStyle: { fontFamily: style.getPropertyValue("--font"), color: style.getPropertyValue("--text-2") },
    ...options,
    tooltip: { confine: true, renderMode: "richText", ...options.tooltip },
  });
  chart.on("click", (mark) => {
    const data = mark.data as { href?: string } | null;
    if (data?.href) location.assign(data.href);
  });
  new ResizeObserver(() => chart.resize()).observe(canvas);
}
