/** The part of ECharts that the console draws with; loaded when the first chart is on the screen. */
import { BarChart, LineChart } from 'echarts/charts';
import { AriaComponent, DataZoomComponent, GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';

use([LineChart, BarChart, DataZoomComponent, GridComponent, TooltipComponent, LegendComponent, AriaComponent, CanvasRenderer]);
export { init };
