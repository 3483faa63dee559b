// Chinese words for bpmn-js, which ships English only.
const ZH: Record<string, string> = {
  "Activate hand tool": "移动画布", "Activate lasso tool": "框选", "Activate create/remove space tool": "增减间距", "Activate global connect tool": "连线",
  "Create start event": "开始事件", "Create intermediate/boundary event": "中间或边界事件", "Create end event": "结束事件", "Create gateway": "网关",
  "Create task": "任务", "Create expanded sub-process": "子流程", "Create data object reference": "数据对象", "Create data store reference": "数据存储",
  "Create pool/participant": "泳池", "Create group": "分组", "Append end event": "接结束事件", "Append gateway": "接网关", "Append task": "接任务",
  "Append intermediate/boundary event": "接中间或边界事件", "Add text annotation": "添加注释", "Connect to other element": "连到其他元素",
  "Change element": "更换类型", "Change type": "更换类型", "Delete": "删除", "Remove": "删除", "Append element": "追加元素", "Create element": "新建元素",
  "Task": "任务", "User task": "用户任务", "Service task": "服务任务", "Business rule task": "规则任务", "Script task": "脚本任务", "Send task": "发送任务",
  "Receive task": "接收任务", "Manual task": "人工任务", "Call activity": "子流程调用", "Exclusive gateway": "排他网关", "Parallel gateway": "并行网关",
  "Inclusive gateway": "包容网关", "Event-based gateway": "事件网关", "Start event": "开始事件", "End event": "结束事件", "Timer start event": "定时开始事件",
  "Sub-process (collapsed)": "子流程（折叠）", "Sub-process (expanded)": "子流程（展开）", "Sequence flow": "连线", "Default flow": "默认连线", "Conditional flow": "条件连线",
};

export function translateModule(locale: string): Record<string, unknown> {
  const texts = locale.startsWith("zh") ? ZH : {};
  const translate = (template: string, values: Record<string, string> = {}): string =>
    (texts[template] ?? template).replace(/\{([^}]+)\}/g, (all, key: string) => values[key] ?? all);
  return { translate: ["value", translate] };
}
